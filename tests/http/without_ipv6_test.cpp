// A host whose kernel knows no IPv6: all that is asked of it is answered as such a kernel does.

#include "http/support.hpp"

#ifdef __linux__
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {
bool has_ipv6 = true;
}

// In the place of the C library's.
extern "C" int socket(int domain, int type, int protocol) noexcept {
  if (domain == AF_INET6 && !has_ipv6) {
    errno = EAFNOSUPPORT;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_socket, domain, type, protocol));
}

BOOST_AUTO_TEST_SUITE(without_ipv6)

using namespace coax;
using namespace coax::test;

namespace {

struct no_ipv6 {
  no_ipv6() { has_ipv6 = false; }
  no_ipv6(const no_ipv6&) = delete;
  no_ipv6& operator=(const no_ipv6&) = delete;
  ~no_ipv6() { has_ipv6 = true; }
};

std::string listens_on(unsigned threads, std::string_view address) {
  server srv(server_options().threads(threads));
  return srv.listen(address);
}

}  // namespace

BOOST_AUTO_TEST_CASE(all_addresses_are_those_of_ipv4_however_many_threads_listen) {
  const no_ipv6 guard;
  for (const unsigned threads : {0U, 1U, 2U}) {
    const auto any = listens_on(threads, ":0");
    BOOST_TEST(any.starts_with("0.0.0.0:"));
    const auto port = any.substr(any.rfind(':'));
    BOOST_TEST(listens_on(threads, port) == "0.0.0.0" + port);
    BOOST_CHECK_THROW(listens_on(threads, "[::1]:0"), system_error);
    BOOST_CHECK_THROW(listens_on(threads, "::1:0"), system_error);
  }
}

BOOST_AUTO_TEST_SUITE_END()
#endif
