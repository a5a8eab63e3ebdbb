// Files from a folder and bytes from memory.

#include "http/conditions.hpp"
#include "http/content_type.hpp"
#include "http/response_head.hpp"
#include "http/support.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

BOOST_AUTO_TEST_SUITE(static_files)

using namespace coax;
using namespace coax::test;
namespace fs = std::filesystem;

namespace {

// A folder "www" with a secret next to it, gone at the end of the test.
class site_folder {
 public:
  site_folder() {
    fs::create_directories(base_ / "www/docs");
    fs::create_directories(base_ / "www/empty");
    fs::create_directories(base_ / "www/.git");
    fs::create_directories(base_ / "www/.well-known");
    fs::create_directories(base_ / "outside");
    add("secret.txt", "secret");
    add("outside/secret.txt", "secret");
    add("www/index.html", "<h1>home</h1>");
    add("www/docs/index.html", "<h1>docs</h1>");
    add("www/a b.txt", "0123456789");
    add("www/none", "");
    add("www/code.WASM", "wasm");
    add("www/.git/config", "hidden");
    add("www/.env", "hidden");
    add("www/.well-known/ok.txt", "known");
    add("www/big.bin", big());
    fs::create_symlink("../secret.txt", base_ / "www/link-out");
    fs::create_symlink(base_ / "outside", base_ / "www/folder-out");
    fs::create_symlink("a b.txt", base_ / "www/link-in.txt");
    fs::create_symlink("loop", base_ / "www/loop");
    ::mkfifo((base_ / "www/pipe").c_str(), 0600);
  }

  std::string www() const { return (base_ / "www").string(); }
  void add(const std::string& name, const std::string& content) const { folder_.write(name, content); }
  void add_folder(const std::string& name) const { fs::create_directories(base_ / name); }
  static const std::string& big() {
    static const std::string bytes = [] {
      std::string all;
      for (int i = 0; all.size() < 300'000; ++i) all += std::to_string(i) + ' ';
      return all;
    }();
    return bytes;
  }

 private:
  temporary_directory folder_;
  const fs::path& base_ = folder_.path();
};

struct fixture {
  explicit fixture(asio::io_context& ioc, file_options o = {}) : server(ioc) {
    server.srv.files("/", folder.www(), o).files("/static/", folder.www(), o);
    server.srv.asset("/app.js", "text/javascript", "let a = 1;");
    server.start();
  }
  site_folder folder;
  running_server server;
};

}  // namespace

COAX_CORO_TEST(files_are_served_with_their_type_size_and_version) {
  fixture f(ioc, file_options().cache_control("max-age=60").content_type(".txt", "text/x-own").header("X-A", "b"));
  raw_client c(ioc, f.server.srv.port());

  const auto home = co_await c.ask(get("/"));
  const auto docs = co_await c.ask(get("/static/docs/"));
  const auto text = co_await c.ask(get("/a%20b.txt?v=1"));
  const auto none = co_await c.ask(get("/none"));
  const auto wasm = co_await c.ask(get("/code.WASM"));
  const auto link = co_await c.ask(get("/link-in.txt"));
  const auto known = co_await c.ask(get("/.well-known/ok.txt"));
  const auto big = co_await c.ask(get("/big.bin"));
  const auto head = co_await c.ask("HEAD /big.bin HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto post = co_await c.ask("POST /big.bin HTTP/1.1\r\nHost: a\r\n\r\n");

  BOOST_TEST(home.body == "<h1>home</h1>");
  BOOST_TEST(home.header("Content-Type") == "text/html; charset=utf-8");
  BOOST_TEST(home.header("Cache-Control") == "max-age=60");
  BOOST_TEST(home.header("X-A") == "b");
  BOOST_TEST(home.header("Accept-Ranges") == "bytes");
  BOOST_TEST(home.header("ETag").starts_with('"'));
  BOOST_TEST(home.header("Last-Modified").ends_with(" GMT"));
  BOOST_TEST(docs.body == "<h1>docs</h1>");
  BOOST_TEST(text.body == "0123456789");
  BOOST_TEST(text.header("Content-Type") == "text/x-own");
  BOOST_TEST(none.status == 200U);
  BOOST_TEST(none.header("Content-Length") == "0");
  BOOST_TEST(none.header("Content-Type") == "application/octet-stream");
  BOOST_TEST(wasm.header("Content-Type") == "application/wasm");
  BOOST_TEST(link.body == "0123456789");
  BOOST_TEST(known.body == "known");
  BOOST_TEST((big.body == site_folder::big()));
  BOOST_TEST(head.header("Content-Length") == std::to_string(site_folder::big().size()));
  BOOST_TEST(head.header("ETag") == big.header("ETag"));
  BOOST_TEST(post.status == 405U);
  co_await f.server.stop();
  BOOST_TEST(f.server.quiet());
}

COAX_CORO_TEST(nothing_outside_of_the_folder_and_nothing_hidden_is_found) {
  fixture f(ioc);
  raw_client c(ioc, f.server.srv.port());
  const std::vector<std::string> paths{"/static/../secret.txt",
                                       "/static/%2e%2e/secret.txt",
                                       "/static/..%2fsecret.txt",
                                       "/static/%2e%2e%2fsecret.txt",
                                       "/static/docs/..%2f..%2fsecret.txt",
                                       "/static/docs/..%5c..%5csecret.txt",
                                       "/static/..\\secret.txt",
                                       "/static/docs%2findex.html",
                                       "/static//index.html",
                                       "/static/docs//index.html",
                                       "/static//etc/passwd",
                                       "/static/%2fetc%2fpasswd",
                                       "/static/link-out",
                                       "/static/folder-out/secret.txt",
                                       "/static/folder-out/",
                                       "/static/loop",
                                       "/static/pipe",
                                       "/static/.env",
                                       "/static/.git/config",
                                       "/static/docs/%2e%2e/%2e%2e/.env",
                                       "/static/empty/",
                                       "/static/nothing",
                                       "/static/index.html/",
                                       "/static/a%20b.txt/x",
                                       "/static/" + std::string(300, 'x'),
                                       "/static/...",
                                       "/static/~",
                                       "/static/a%20b.txt%20"};
  for (const auto& path : paths) {
    const auto r = co_await c.ask(get(path));
    BOOST_TEST(r.status == 404U, path);
    BOOST_TEST(r.body.find("secret") == std::string::npos, path);
  }
  for (const char* path : {"/../secret.txt", "/%2e%2e/secret.txt", "/static/../../secret.txt", "/static/a%00.txt"}) {
    raw_client own(ioc, f.server.srv.port());
    const auto r = co_await own.ask(get(path));
    BOOST_TEST(r.status == 400U, path);
  }
  co_await f.server.stop();
  BOOST_TEST(f.server.quiet());
}

COAX_CORO_TEST(a_folder_without_its_slash_is_redirected) {
  fixture f(ioc);
  raw_client c(ioc, f.server.srv.port());

  const auto docs = co_await c.ask(get("/docs?a=b"));
  const auto prefix = co_await c.ask(get("/static"));

  BOOST_TEST(docs.status == 301U);
  BOOST_TEST(docs.header("Location") == "/docs/?a=b");
  BOOST_TEST(prefix.status == 301U);
  BOOST_TEST(prefix.header("Location") == "/static/");
  co_await f.server.stop();
}

COAX_CORO_TEST(a_redirect_to_a_folder_never_leads_to_another_host) {
  fixture f(ioc);
  f.folder.add_folder("www/new docs");
  raw_client c(ioc, f.server.srv.port());
  const std::vector<std::pair<std::string, std::string>> rows{
      {"//evil.example/../../docs", "/docs/"},
      {"//evil.example/%2e%2e/%2E./docs", "/docs/"},
      {"//../docs", "/docs/"},
      {"/\\evil.example/../docs", "/docs/"},
      {"/.//../docs", "/docs/"},
      {"//evil.example/../../static", "/static/"},
      {"//evil.example/../../static/docs?a=//b", "/static/docs/?a=//b"},
      {"http://evil.example/docs", "/docs/"},
      {"/new%20docs", "/new%20docs/"},
  };
  for (const auto& [target, location] : rows) {
    const auto r = co_await c.ask(get(target));
    BOOST_TEST(r.status == 301U, target);
    BOOST_TEST(r.header("Location") == location, target);
  }
  co_await f.server.stop();
}

COAX_CORO_TEST(parts_and_unchanged_files_are_told_apart) {
  fixture f(ioc);
  raw_client c(ioc, f.server.srv.port());
  const auto whole = co_await c.ask(get("/a%20b.txt"));
  const auto tag = whole.header("ETag");

  const auto part = co_await c.ask(get("/a%20b.txt", "Range: bytes=2-4\r\n"));
  const auto tail = co_await c.ask(get("/big.bin", "Range: bytes=-100000\r\n"));
  const auto beyond = co_await c.ask(get("/a%20b.txt", "Range: bytes=10-\r\n"));
  const auto same = co_await c.ask(get("/a%20b.txt", "If-None-Match: " + tag + "\r\n"));
  const auto since = co_await c.ask(get("/a%20b.txt", "If-Modified-Since: " + whole.header("Last-Modified") + "\r\n"));
  const auto stale = co_await c.ask(get("/a%20b.txt", "Range: bytes=2-4\r\nIf-Range: \"other\"\r\n"));
  const auto failed = co_await c.ask(get("/a%20b.txt", "If-Match: \"other\"\r\n"));
  f.folder.add("www/a b.txt", "changed in size");
  const auto changed = co_await c.ask(get("/a%20b.txt", "If-None-Match: " + tag + "\r\n"));
  const auto asset = co_await c.ask(get("/app.js", "Range: bytes=4-\r\n"));
  const auto asset_same = co_await c.ask(get("/app.js", "If-None-Match: " + asset.header("ETag") + "\r\n"));

  BOOST_TEST(part.status == 206U);
  BOOST_TEST(part.body == "234");
  BOOST_TEST(part.header("Content-Range") == "bytes 2-4/10");
  BOOST_TEST(tail.status == 206U);
  BOOST_TEST((tail.body == site_folder::big().substr(site_folder::big().size() - 100'000)));
  BOOST_TEST(beyond.status == 416U);
  BOOST_TEST(beyond.header("Content-Range") == "bytes */10");
  BOOST_TEST(same.status == 304U);
  BOOST_TEST(same.header("ETag") == tag);
  BOOST_TEST(!same.has("Content-Length"));
  BOOST_TEST(since.status == 304U);
  BOOST_TEST(stale.status == 200U);
  BOOST_TEST(stale.body == "0123456789");
  BOOST_TEST(failed.status == 412U);
  BOOST_TEST(changed.body == "changed in size");
  BOOST_TEST(asset.body == "a = 1;");
  BOOST_TEST(asset.header("Content-Type") == "text/javascript");
  BOOST_TEST(asset_same.status == 304U);
  co_await f.server.stop();
  BOOST_TEST(f.server.quiet());
}

COAX_CORO_TEST(a_file_that_shrinks_while_it_is_sent_cuts_the_connection) {
  fixture f(ioc);
  f.folder.add("www/shrinks", std::string(32 * 1024 * 1024, 'x'));
  raw_client c(ioc, f.server.srv.port());
  co_await c.send(get("/shrinks"));
  co_await settle(100);
  fs::resize_file(f.folder.www() + "/shrinks", 1000);

  const auto r = co_await c.read();

  BOOST_TEST(r.status == 200U);
  BOOST_TEST(r.body.size() < 32U * 1024 * 1024);
  BOOST_TEST(f.server.logged("became shorter", log_level::error) == 1U);
  co_await f.server.stop();
}

BOOST_AUTO_TEST_CASE(a_range_selects_what_its_words_say) {
  using http::select;
  struct row {
    std::string range;
    unsigned status;
    std::uint64_t first;
    std::uint64_t length;
  };
  const std::vector<row> rows{
      {"bytes=0-0", 206, 0, 1},
      {"bytes=0-", 206, 0, 10},
      {"bytes=9-", 206, 9, 1},
      {"bytes=5-100", 206, 5, 5},
      {"bytes=-3", 206, 7, 3},
      {"bytes=-100", 206, 0, 10},
      {"BYTES= 1-2 ", 206, 1, 2},
      {"bytes=-0", 416, 0, 0},
      {"bytes=10-", 416, 0, 0},
      {"bytes=10-20", 416, 0, 0},
      {"bytes=5-4", 200, 0, 10},
      {"bytes=0-1,3-4", 200, 0, 10},
      {"bytes=-", 200, 0, 10},
      {"bytes=a-b", 200, 0, 10},
      {"bytes=1-b", 200, 0, 10},
      {"bytes", 200, 0, 10},
      {"lines=1-2", 200, 0, 10},
      {"bytes=18446744073709551616-", 200, 0, 10},
      {"bytes=0-18446744073709551615", 206, 0, 10},
  };
  const http::representation r{"\"v\"", 1000, 10};
  for (const auto& row : rows) {
    const std::vector<protocol::header_field> fields{{"range", row.range}};
    const auto s = select("GET", fields, r);
    BOOST_TEST(s.status == row.status, row.range);
    BOOST_TEST(s.first == row.first, row.range);
    BOOST_TEST(s.length == row.length, row.range);
    BOOST_TEST(select("HEAD", fields, r).status == 200U);
  }
}

BOOST_AUTO_TEST_CASE(conditions_follow_the_order_of_the_rfc) {
  using fields = std::vector<protocol::header_field>;
  const auto before = http::format_date(999), at = http::format_date(1000), after = http::format_date(1001);
  const std::vector<std::pair<fields, unsigned>> rows{
      {{{"If-None-Match", "\"v\""}}, 304},
      {{{"If-None-Match", "W/\"v\""}}, 304},
      {{{"If-None-Match", "\"a\", \"v\""}}, 304},
      {{{"If-None-Match", "*"}}, 304},
      {{{"If-None-Match", "\"a\""}}, 200},
      {{{"If-None-Match", "\"a\""}, {"If-Modified-Since", after}}, 200},
      {{{"If-Modified-Since", before}}, 200},
      {{{"If-Modified-Since", at}}, 304},
      {{{"If-Modified-Since", after}}, 304},
      {{{"If-Modified-Since", "yesterday"}}, 200},
      {{{"If-Match", "\"v\""}}, 200},
      {{{"If-Match", "*"}}, 200},
      {{{"If-Match", "W/\"v\""}}, 412},
      {{{"If-Match", "\"a\""}, {"If-None-Match", "\"v\""}}, 412},
      {{{"If-Unmodified-Since", before}}, 412},
      {{{"If-Unmodified-Since", at}}, 200},
      {{{"If-Match", "\"v\""}, {"If-Unmodified-Since", before}}, 200},
      {{{"Range", "bytes=1-2"}, {"If-Range", "\"v\""}}, 206},
      {{{"Range", "bytes=1-2"}, {"If-Range", "W/\"v\""}}, 200},
      {{{"Range", "bytes=1-2"}, {"If-Range", at}}, 206},
      {{{"Range", "bytes=1-2"}, {"If-Range", before}}, 200},
      {{{"Range", "bytes=1-2"}, {"If-None-Match", "\"v\""}}, 304},
  };
  const http::representation r{"\"v\"", 1000, 10};
  for (std::size_t i = 0; i < rows.size(); ++i)
    BOOST_TEST(http::select("GET", rows[i].first, r).status == rows[i].second, i);
}

BOOST_AUTO_TEST_CASE(extensions_have_types) {
  BOOST_TEST(http::content_type(http::extension_of("a/b.min.JS")) == "text/javascript; charset=utf-8");
  BOOST_TEST(http::content_type(http::extension_of("a.b/c")) == "application/octet-stream");
  BOOST_TEST(http::extension_of(".env") == "");
}

BOOST_AUTO_TEST_SUITE_END()
