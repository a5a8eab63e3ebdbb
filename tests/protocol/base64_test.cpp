#include "protocol/base64.hpp"

#include <boost/test/unit_test.hpp>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(base64_codec)

// RFC 4648 section 10, without the padding.
const std::pair<const char*, const char*> vectors[] = {
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"},
};

BOOST_AUTO_TEST_CASE(the_vectors_of_the_rfc_are_written_and_read) {
  for (const auto& [bytes, text] : vectors) {
    BOOST_TEST(base64url(bytes) == text);
    BOOST_TEST((from_base64url(text) == std::string(bytes)), text);
  }
}

BOOST_AUTO_TEST_CASE(what_base64url_does_not_write_is_not_read) {
  for (const auto* text : {"Z", "Zh", "Zm9", "Zg==", "Zm9v=", "Zm 9v", "+//+", "Zm9v\n", "Zm9vY"})
    BOOST_TEST(!from_base64url(text), text);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
