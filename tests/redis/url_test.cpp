#include "redis/url.hpp"

#include <boost/test/unit_test.hpp>

using namespace coax::redis;

namespace {

std::string show(const redis_url& u) {
  std::string s = u.kind == deployment::standalone ? "one" : u.kind == deployment::sentinel ? "sentinel" : "cluster";
  for (const auto& e : u.seeds) s += " " + e.name();
  if (!u.user.empty() || !u.password.empty()) s += " as " + u.user + ":" + u.password;
  if (u.database != 0) s += " db " + std::to_string(u.database);
  if (!u.master.empty()) s += " master " + u.master;
  if (u.secure) s += " tls";
  return s;
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_form_of_a_url_is_read) {
  struct row {
    const char* url;
    const char* meaning;
  };
  static const row rows[] = {
      {"redis://localhost", "one localhost:6379"},
      {"REDIS://127.0.0.1:7000/", "one 127.0.0.1:7000"},
      {"redis://[::1]:7000/3", "one [::1]:7000 db 3"},
      {"redis://host?db=4", "one host:6379 db 4"},
      {"rediss://host", "one host:6379 tls"},
      {"redis://:secret@host", "one host:6379 as :secret"},
      {"redis://me:p%40ss%2Fword@host/1", "one host:6379 as me:p@ss/word db 1"},
      {"redis+unix:///run/redis.sock", "one /run/redis.sock"},
      {"redis+unix://me:x@/run/my%20redis.sock?db=2", "one /run/my redis.sock as me:x db 2"},
      {"redis://a,b:1,c?sentinel=mymaster", "sentinel a:26379 b:1 c:26379 master mymaster"},
      {"rediss://me:x@a/2?sentinel=m%201", "sentinel a:26379 as me:x db 2 master m 1 tls"},
      {"redis://a:1,b:2,[::1]:3/?cluster", "cluster a:1 b:2 [::1]:3"},
      {"redis://a?cluster=1", "cluster a:6379"},
      {"redis://a?cluster=true", "cluster a:6379"},
      {"redis://a?cluster=0", "one a:6379"},
  };
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(r.url) {
      const auto u = parse_url(r.url);
      BOOST_REQUIRE_MESSAGE(u, u.error().text);
      BOOST_TEST(show(*u) == r.meaning);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_url_is_said) {
  struct row {
    const char* url;
    const char* why;
  };
  static const row rows[] = {
      {"", "malformed"},
      {"localhost:6379", "malformed"},
      {"redis://host#1", "malformed"},
      {"http://host", "must have the scheme"},
      {"redis://", "has no host"},
      {"redis:///1", "has no host"},
      {"redis://ho st", "malformed"},
      {"redis://host:0", "port"},
      {"redis://host:70000", "port"},
      {"redis://host:x", "port"},
      {"redis://host/x", "database"},
      {"redis://host/-1", "database"},
      {"redis://host?db=", "database"},
      {"redis://host?color=red", "parameter color"},
      {"redis://me@host", "without a password"},
      {"redis://me:%zz@host", "percent-encoded"},
      {"redis://me:pa?secret@host", "is none of"},
      {"redis://a,b", "several hosts"},
      {"redis://a?sentinel=", "names no master"},
      {"redis://a?sentinel=m&cluster=1", "at once"},
      {"redis://a?cluster=1&sentinel=m", "at once"},
      {"redis://a?cluster=maybe", "not 1"},
      {"redis://a/1?cluster=1", "has a database"},
      {"redis+unix://host/run/redis.sock", "three slashes"},
      {"redis+unix://", "names no socket"},
      {"redis+unix:///%00", "NUL"},
      {"redis+unix:///run/redis.sock?cluster=1", "names a socket"},
  };
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(r.url) {
      const auto u = parse_url(r.url);
      BOOST_REQUIRE(!u);
      BOOST_TEST(u.error().text.find(r.why) != std::string::npos, u.error().text);
      BOOST_TEST(u.error().text.find("secret") == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_url_is_shown_without_its_password) {
  BOOST_TEST(without_password("redis://me:secret@host/1") == "redis://host/1");
  BOOST_TEST(without_password("redis://host/1") == "redis://host/1");
  BOOST_TEST(without_password("redis://me:se/cr?et@h:x") == "redis://h:x");
}
