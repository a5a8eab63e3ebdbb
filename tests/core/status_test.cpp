#include <coax/status.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(close_status)

BOOST_AUTO_TEST_CASE(only_registered_and_private_codes_may_be_sent) {
  struct range {
    int first, last;
    bool may;
  };
  const range ranges[] = {
      {0, 999, false},     {1000, 1003, true}, {1004, 1006, false},  {1007, 1014, true},
      {1015, 2999, false}, {3000, 4999, true}, {5000, 65535, false},
  };
  int wrong = 0, next = 0;
  for (const auto& r : ranges) {
    wrong += r.first != next;
    for (int code = r.first; code <= r.last; ++code) wrong += sendable(static_cast<status>(code)) != r.may;
    next = r.last + 1;
  }
  BOOST_CHECK_EQUAL(wrong, 0);
  BOOST_CHECK_EQUAL(next, 65536);
  static_assert(sendable(status::normal) && !sendable(status::abnormal));
}

BOOST_AUTO_TEST_CASE(every_registered_status_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (int code = 0; code <= 65535; ++code)
    if (const auto name = to_string(static_cast<status>(code)); !name.empty()) {
      const bool is_new = names.insert(name).second;
      BOOST_CHECK_MESSAGE(is_new, name << " twice");
      BOOST_CHECK_MESSAGE(code >= 1000 && code <= 1014 && code != 1004, code << " has a name");
    }
  BOOST_CHECK_EQUAL(names.size(), 14U);
  BOOST_CHECK_EQUAL(to_string(status::going_away), "going away");
  BOOST_CHECK_EQUAL(to_string(status{4000}), "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
