#include "support/certificates.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>

namespace {

std::ptrdiff_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

/// Whatever the peers did, no descriptor stays open.
struct no_descriptor_leaks {
  // What OpenSSL opens once for the process comes before the count.
  no_descriptor_leaks() : before((coax::test::localhost_certificate(), open_descriptors())) {}
  ~no_descriptor_leaks() { BOOST_CHECK_EQUAL(open_descriptors(), before); }
  std::ptrdiff_t before;
};

BOOST_TEST_GLOBAL_FIXTURE(no_descriptor_leaks);

}  // namespace
