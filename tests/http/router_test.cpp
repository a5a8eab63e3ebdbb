#include "http/router.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(routing)

using namespace coax;
using namespace coax::http;

namespace {

request_handler handler() {
  return [](exchange&, context) -> task<> { co_return; };
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> all;
  for (std::size_t begin = 1; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    all.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

// "name=value name=value" of what was found, "-" for none.
std::string found(const router& r, std::string_view method, std::string_view path) {
  const auto segments = split(path);
  const auto m = r.match(method, segments);
  if (!m.found) return "-";
  std::string text = m.found->method.empty() ? "any" : m.found->method;
  for (std::size_t i = 0; i < m.values.size(); ++i) text += ' ' + m.found->params.at(i) + '=' + m.values[i];
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(literals_go_before_parameters_and_those_before_the_rest) {
  router r;
  for (const char* p : {"/", "/a", "/a/:x", "/a/:x/b", "/a/c/d", "/f/*rest", "/f/:one/z"}) r.add("GET", p, handler());
  r.add("POST", "/a/:y", handler());
  r.add("POST", "/a/c", handler());
  r.add("", "/a/:any/b", handler());

  BOOST_TEST(found(r, "GET", "/") == "GET");
  BOOST_TEST(found(r, "GET", "/a") == "GET");
  BOOST_TEST(found(r, "GET", "/a/") == "-");
  BOOST_TEST(found(r, "GET", "/b") == "-");
  BOOST_TEST(found(r, "GET", "/a/q") == "GET x=q");
  BOOST_TEST(found(r, "POST", "/a/q") == "POST y=q");
  // The literal has no GET: the search goes on.
  BOOST_TEST(found(r, "GET", "/a/c") == "GET x=c");
  BOOST_TEST(found(r, "GET", "/a/c/b") == "GET x=c");
  BOOST_TEST(found(r, "PUT", "/a/c/b") == "any any=c");
  BOOST_TEST(found(r, "HEAD", "/a/c/d") == "GET");
  BOOST_TEST(found(r, "GET", "/f/1/2/3") == "GET rest=1/2/3");
  BOOST_TEST(found(r, "GET", "/f/") == "GET rest=");
  BOOST_TEST(found(r, "GET", "/f") == "-");
  BOOST_TEST(found(r, "GET", "/f/1/z") == "GET one=1");
  BOOST_TEST(found(r, "GET", "/f/1/y") == "GET rest=1/y");
}

BOOST_AUTO_TEST_CASE(the_methods_that_a_path_takes_are_known) {
  router r;
  r.add("GET", "/a/:x", handler());
  r.add("PUT", "/a/:x", handler());
  r.add("DELETE", "/a/b", handler());
  const auto segments = split("/a/b");

  const auto m = r.match("POST", segments);

  const std::vector<std::string> expected{"DELETE", "GET", "HEAD", "PUT"};
  BOOST_TEST(!m.found);
  BOOST_TEST(m.allowed == expected);
  BOOST_TEST(r.methods() == expected);
}

BOOST_AUTO_TEST_CASE(malformed_and_repeated_patterns_are_refused) {
  router r;
  r.add("GET", "/a/:x", handler());
  for (const char* p : {"", "a", "/:", "/a/*", "/*rest/b", "/:x/:x", "/a/:y"})
    BOOST_CHECK_THROW(r.add("GET", p, handler()), std::invalid_argument);
  BOOST_CHECK_THROW(r.add("G T", "/b", handler()), std::invalid_argument);
  BOOST_CHECK_THROW(r.add("GET", "/b", nullptr), std::invalid_argument);
  BOOST_CHECK_NO_THROW(r.add("POST", "/a/:y", handler()));
}

BOOST_AUTO_TEST_SUITE_END()
