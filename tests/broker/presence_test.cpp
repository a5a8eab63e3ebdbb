#include "broker/presence_table.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

BOOST_AUTO_TEST_SUITE(presence_tables)

using namespace coax;
using detail::presence_table;

namespace {

const int me = 0, other = 0;  // owners

presence_member member(std::string handle, std::string user, std::string data = {}) {
  return presence_member(std::move(handle), std::move(user)).data(std::move(data));
}

// As "+ann(data) -bob()".
std::string text_of(const presence_table::changes& changes) {
  std::string text;
  for (const auto& c : changes) {
    if (!text.empty()) text += ' ';
    text += (c.what == presence_change::kind::joined ? "+" : "-") + c.user + "(" + c.data + ")";
  }
  return text;
}

std::string list(const presence_table& t) {
  auto users = t.users();
  std::sort(users.begin(), users.end(), [](const auto& a, const auto& b) { return a.user < b.user; });
  std::string text;
  for (const auto& u : users) text += u.user + "(" + u.data + ")*" + std::to_string(u.handles) + " ";
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_user_comes_with_the_first_handle_and_goes_with_the_last) {
  presence_table t;
  BOOST_TEST(t.empty());
  BOOST_TEST(text_of(t.enter(member("1", "ann", "a"), &me)) == "+ann(a)");
  BOOST_TEST(text_of(t.enter(member("2", "ann", "b"), &me)).empty());
  BOOST_TEST(text_of(t.enter(member("3", "bob"), &me)) == "+bob()");
  BOOST_TEST(list(t) == "ann(b)*2 bob()*1 ");
  BOOST_TEST(text_of(t.leave("2", &me)).empty());
  BOOST_TEST(list(t) == "ann(a)*1 bob()*1 ");
  BOOST_TEST(text_of(t.leave("1", &me)) == "-ann(a)");
  BOOST_TEST(text_of(t.leave("3", &me)) == "-bob()");
  BOOST_TEST(t.empty());
}

BOOST_AUTO_TEST_CASE(a_handle_that_enters_again_replaces_its_data) {
  presence_table t;
  t.enter(member("1", "ann", "a"), &me);
  t.enter(member("2", "ann", "b"), &me);
  BOOST_TEST(text_of(t.enter(member("1", "ann", "new"), &me)).empty());
  BOOST_TEST(list(t) == "ann(new)*2 ");
}

BOOST_AUTO_TEST_CASE(a_handle_may_be_taken_over_from_another_user) {
  presence_table t;
  t.enter(member("1", "ann", "a"), &me);
  BOOST_TEST(text_of(t.enter(member("1", "bob", "b"), &me)) == "-ann(a) +bob(b)");
  BOOST_TEST(list(t) == "bob(b)*1 ");
}

BOOST_AUTO_TEST_CASE(only_the_owner_that_entered_a_handle_last_takes_it_out) {
  presence_table t;
  t.enter(member("1", "ann"), &me);
  BOOST_TEST(text_of(t.leave("1", &other)).empty());
  t.enter(member("1", "ann"), &other);
  BOOST_TEST(text_of(t.leave("1", &me)).empty());
  BOOST_TEST(text_of(t.leave("1", &other)) == "-ann()");
}

BOOST_AUTO_TEST_CASE(leaving_without_having_entered_means_nothing) {
  presence_table t;
  BOOST_TEST(t.leave("1", &me).empty());
}

BOOST_AUTO_TEST_SUITE_END()
