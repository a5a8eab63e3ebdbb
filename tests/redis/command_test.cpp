#include "redis/command.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

using namespace coax::redis;

namespace {

std::string bytes(const command& c) {
  std::string s;
  c.append_to(s);
  return s;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_command_is_encoded_as_it_is_built) {
  const auto c = command("SET").key("k").arg("v").arg("EX").arg(60);
  BOOST_TEST(bytes(c) == "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$2\r\nEX\r\n$2\r\n60\r\n");
  BOOST_TEST(!c.is_idempotent());
  BOOST_TEST(command("PING").idempotent().is_idempotent());
  BOOST_TEST(!command("PING").slot().has_value());
}

BOOST_AUTO_TEST_CASE(a_script_goes_by_its_name_or_as_it_is) {
  const script s("return 1");
  BOOST_TEST(s.sha1() == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
  const auto c = command(s).key("a").key("b").arg("x");
  BOOST_TEST(bytes(c) ==
             "*6\r\n$7\r\nEVALSHA\r\n$40\r\n" + s.sha1() + "\r\n$1\r\n2\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nx\r\n");
  std::string eval;
  c.append_eval_to(eval);
  BOOST_TEST(eval == "*6\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n2\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nx\r\n");
  BOOST_CHECK_THROW(command(s).arg("x").key("a"), std::logic_error);
}

// Those of the specification, and of CLUSTER KEYSLOT.
BOOST_AUTO_TEST_CASE(the_slot_is_that_of_the_hash_tag) {
  BOOST_TEST(slot_of("123456789") == 0x31c3 % 16384);
  BOOST_TEST(slot_of("") == 0);
  BOOST_TEST(slot_of("foo") == 12182);
  BOOST_TEST(slot_of("{user1000}.following") == slot_of("user1000"));
  BOOST_TEST(slot_of("a{user1000}b{x}") == slot_of("user1000"));
  BOOST_TEST(slot_of("foo{{bar}}zap") == slot_of("{bar"));
  BOOST_TEST(slot_of("foo{}{bar}") != slot_of("bar"));
  BOOST_TEST(slot_of("foo{bar") != slot_of("bar"));
  BOOST_TEST(*command("GET").key("foo").slot() == 12182);
  BOOST_TEST(*command("MGET").key("foo").key("bar").slot() == 12182);
}
