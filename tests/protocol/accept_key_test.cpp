#include "protocol/accept_key.hpp"

#include <boost/test/unit_test.hpp>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(accept_key)

BOOST_AUTO_TEST_CASE(the_example_of_the_rfc_is_computed) {
  BOOST_TEST(accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

BOOST_AUTO_TEST_CASE(a_key_is_random_and_valid) {
  const auto key = make_key();

  BOOST_TEST(valid_key(key));
  BOOST_TEST(key != make_key());
}

BOOST_AUTO_TEST_CASE(only_base64_of_16_bytes_is_a_key) {
  const std::pair<const char*, bool> rows[] = {
      {"dGhlIHNhbXBsZSBub25jZQ==", true},
      {"++++++////////////////==", true},
      {"", false},
      {"dGhlIHNhbXBsZSBub25jZQ", false},
      {"dGhlIHNhbXBsZSBub25jZQ=", false},
      {"dGhlIHNhbXBsZSBub25jZWE=", false},
      {"dGhlIHNhbXBsZSBub25j", false},
      {"dGhlIHNhbXBsZSBub25jZSBhYmNk", false},
      {"dGhlIHNhbXBsZSBub25j ZQ==", false},
      {"dGhlIHNhbXBsZSBub25j*Q==", false},
      {"dGhlIHNhbXBsZSBub25j-_==", false},
      {"=====================ZQ==", false},
  };
  for (const auto& [key, valid] : rows) BOOST_TEST(valid_key(key) == valid, key);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
