#include "io/file.hpp"

#include "io/coarse_clock.hpp"
#include "io/system.hpp"
#include "support/temporary_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace coax {
namespace {

namespace fs = std::filesystem;
namespace sys = boost::system::errc;

/// A folder "in" with files, and one beside it that nobody is to get at.
struct folders {
  folders() {
    fs::create_directories(top / "in" / "sub");
    fs::create_directories(top / "index");
    directory.write("in/a.txt", "0123456789");
    directory.write("in/sub/b.txt", "b");
    directory.write("in/empty", "");
    directory.write("secret", "secret");
    directory.write("index/c.txt", "beside");
    fs::create_symlink("sub/b.txt", top / "in" / "link");
    fs::create_symlink("../secret", top / "in" / "way-out");
    fs::create_symlink(top / "secret", top / "in" / "absolute-way-out");
    fs::create_symlink("nowhere", top / "in" / "broken");
  }

  std::string root() const { return (top / "in").string(); }

  test::temporary_directory directory;
  const fs::path& top = directory.path();
};

std::string rest_of(detail::file& f) {
  std::string all;
  std::vector<std::byte> part(4);
  while (const auto n = f.read(part)) all.append(reinterpret_cast<const char*>(part.data()), n);
  return all;
}

BOOST_FIXTURE_TEST_SUITE(file, folders)

BOOST_AUTO_TEST_CASE(is_read_from_the_start_and_from_where_it_is_told) {
  const auto f = detail::open_beneath(root(), "a.txt").value();
  BOOST_TEST(f->size() == 10u);
  BOOST_TEST(rest_of(*f) == "0123456789");
  BOOST_TEST(!f->seek(7));
  BOOST_TEST(rest_of(*f) == "789");
  BOOST_TEST(!f->seek(2));
  BOOST_TEST(rest_of(*f) == "23456789");
  BOOST_TEST(!f->seek(10));
  BOOST_TEST(rest_of(*f).empty());
}

BOOST_AUTO_TEST_CASE(may_be_empty) {
  const auto f = detail::open_beneath(root(), "empty").value();
  BOOST_TEST(f->size() == 0u);
  BOOST_TEST(rest_of(*f).empty());
}

BOOST_AUTO_TEST_CASE(tells_when_it_was_modified) {
  const auto path = top / "in" / "a.txt";
  const auto earlier = fs::last_write_time(path) - std::chrono::hours(1000);
  const auto now = detail::open_beneath(root(), "a.txt").value()->modified();
  fs::last_write_time(path, earlier);
  const auto then = detail::open_beneath(root(), "a.txt").value()->modified();
  BOOST_TEST((now - then == std::chrono::hours(1000)));
  // Since 1970, and not since the epoch of the clock that files have.
  BOOST_TEST((now > std::chrono::hours(24 * 365 * 50) && now < std::chrono::hours(24 * 365 * 150)));
}

BOOST_AUTO_TEST_CASE(may_be_in_a_folder_or_behind_a_link_below) {
  BOOST_TEST(rest_of(*detail::open_beneath(root(), "sub/b.txt").value()) == "b");
  BOOST_TEST(rest_of(*detail::open_beneath(root(), "link").value()) == "b");
}

BOOST_AUTO_TEST_CASE(is_never_outside) {
  for (const char* name : {"../secret", "sub/../../secret", "way-out", "absolute-way-out", "../index/c.txt"})
    BOOST_TEST(detail::open_beneath(root(), name).has_error(), name);
  BOOST_TEST(detail::open_beneath(root(), (top / "secret").string()).has_error());
}

BOOST_AUTO_TEST_CASE(that_is_not_there_says_so) {
  BOOST_TEST((detail::open_beneath(root(), "none").error() == sys::no_such_file_or_directory));
  BOOST_TEST((detail::open_beneath(root(), "broken").error() == sys::no_such_file_or_directory));
  BOOST_TEST((detail::open_beneath((top / "none").string(), "a.txt").error() == sys::no_such_file_or_directory));
  BOOST_TEST((detail::open_beneath(root(), "sub").error() == sys::is_a_directory));
}

// What Linux falls back to where it has no openat2, and what other systems always do.
BOOST_AUTO_TEST_CASE(is_found_by_resolving_as_by_opening) {
  BOOST_TEST(detail::resolve_beneath(root(), "link").value() == fs::canonical(top / "in" / "sub" / "b.txt"));
  for (const char* name : {"../secret", "sub/../../secret", "way-out", "absolute-way-out", "../index/c.txt", "broken"})
    BOOST_TEST((detail::resolve_beneath(root(), name).error() == sys::no_such_file_or_directory), name);
  BOOST_TEST((detail::resolve_beneath(root(), (top / "secret").string()).error() == sys::no_such_file_or_directory));
  BOOST_TEST((detail::resolve_beneath(root(), "sub").error() == sys::is_a_directory));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(operating_system)

BOOST_AUTO_TEST_CASE(has_a_coarse_clock_that_is_never_ahead) {
  for (int i = 0; i < 1000; ++i) {
    const auto before = detail::last_tick();
    const auto exact = detail::steady::now();
    const auto after = detail::last_tick();
    BOOST_REQUIRE((before <= exact));
    BOOST_REQUIRE((before <= after));
  }
}

BOOST_AUTO_TEST_CASE(shares_a_port_where_it_spreads_connections) {
  using asio::ip::tcp;
  asio::io_context io;
  tcp::acceptor first(io, tcp::v4()), second(io, tcp::v4());
  const bool shared = !detail::share_port(first) && !detail::share_port(second);
  BOOST_TEST(shared == detail::spreads_connections());
  first.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  first.listen();
  error_code ec;
  second.bind(first.local_endpoint(), ec);
  BOOST_TEST(!ec == shared);
}

BOOST_AUTO_TEST_CASE(gives_an_address_back_at_once) {
  using asio::ip::tcp;
  asio::io_context io;
  tcp::acceptor first(io, tcp::v4());
  BOOST_TEST(!detail::reuse_address(first));
  first.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  first.listen();
  const auto at = first.local_endpoint();
  {
    // Who closes first leaves the address in TIME_WAIT.
    tcp::socket client(io);
    client.connect(at);
    auto server = first.accept();
    server.close();
    char end;
    error_code eof;
    client.read_some(asio::buffer(&end, 1), eof);
    BOOST_TEST((eof == asio::error::eof));
  }
  first.close();
  tcp::acceptor again(io, tcp::v4());
  BOOST_TEST(!detail::reuse_address(again));
  error_code ec;
  again.bind(at, ec);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(tells_what_the_environment_has) {
  BOOST_TEST((detail::environment_variable("PATH") != nullptr));
  BOOST_TEST((detail::environment_variable("COAX_NO_SUCH_VARIABLE") == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
