#include "protocol/base64.hpp"
#include "protocol/signature.hpp"
#include <coax/signing_keys.hpp>

#include <boost/test/unit_test.hpp>

namespace coax {
namespace {

const std::string first_secret = "the first secret of a test";
const std::string second_secret = "the second secret of a test";

BOOST_AUTO_TEST_SUITE(signing)

std::string hex(const protocol::digest& d) {
  std::string text;
  for (const auto byte : d) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15U];
  }
  return text;
}

BOOST_AUTO_TEST_CASE(the_vectors_of_rfc_4231_are_computed) {
  BOOST_TEST(hex(protocol::hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
             "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  BOOST_TEST(hex(protocol::hmac_sha256("Jefe", "what do ya want for nothing?")) ==
             "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

BOOST_AUTO_TEST_CASE(a_payload_of_any_bytes_comes_back) {
  const signing_keys keys({first_secret});

  for (const auto& payload : {std::string(), std::string("n1"), std::string(1, '\0'), std::string(5000, '\xff')}) {
    const auto token = keys.sign("test", payload);

    BOOST_TEST(token.size() == ((signing_keys::overhead + payload.size()) * 4 + 2) / 3);
    BOOST_TEST((keys.verify("test", token) == payload));
  }
}

BOOST_AUTO_TEST_CASE(a_token_is_valid_for_its_purpose_only) {
  const signing_keys keys({first_secret});
  const auto token = keys.sign("test", "payload");

  for (const auto* other : {"", "tes", "test2", "Test"}) BOOST_TEST(!keys.verify(other, token), other);
}

// Were they joined without a border, "ab" for "c" would be signed like "a" for "bc".
BOOST_AUTO_TEST_CASE(a_byte_cannot_move_from_the_purpose_to_the_payload) {
  const signing_keys keys({first_secret});
  const auto bytes = *protocol::from_base64url(keys.sign("bc", "a"));
  auto moved = bytes;
  moved.insert(bytes.size() - 16, "b");

  BOOST_TEST(!keys.verify("c", protocol::base64url(moved)));
}

BOOST_AUTO_TEST_CASE(a_change_of_any_bit_is_noticed) {
  const signing_keys keys({first_secret});
  const auto bytes = *protocol::from_base64url(keys.sign("test", "payload"));

  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    BOOST_TEST(!keys.verify("test", protocol::base64url(changed)), "bit " << bit);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_token_is_refused) {
  const signing_keys keys({first_secret});
  const auto token = keys.sign("test", "payload");

  for (std::size_t n = 0; n < token.size(); ++n) BOOST_TEST(!keys.verify("test", token.substr(0, n)), n);
  for (const auto& text : {token + "A", token + "=", " " + token, std::string(100'000, 'A'), std::string("n1.abc")})
    BOOST_TEST(!keys.verify("test", text));
}

BOOST_AUTO_TEST_CASE(the_newest_secret_signs_and_all_verify) {
  const signing_keys before({first_secret});
  const signing_keys announced({first_secret, second_secret});
  const signing_keys rotated({second_secret, first_secret});
  const signing_keys after({second_secret});

  const auto old_token = announced.sign("test", "old");
  const auto new_token = rotated.sign("test", "new");

  BOOST_TEST((before.verify("test", old_token) == "old"));
  BOOST_TEST((rotated.verify("test", old_token) == "old"));
  BOOST_TEST((announced.verify("test", new_token) == "new"));
  BOOST_TEST((after.verify("test", new_token) == "new"));
  BOOST_TEST(!after.verify("test", old_token));
  BOOST_TEST(!before.verify("test", new_token));
}

BOOST_AUTO_TEST_CASE(a_short_secret_is_an_error) {
  BOOST_CHECK_THROW(signing_keys({}), std::invalid_argument);
  BOOST_CHECK_THROW(signing_keys({std::string(15, 'x')}), std::invalid_argument);
  BOOST_CHECK_THROW(signing_keys({first_secret, ""}), std::invalid_argument);
  BOOST_CHECK_NO_THROW(signing_keys({std::string(16, 'x')}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
