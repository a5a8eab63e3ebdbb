#include <coax/position.hpp>

#include <boost/test/unit_test.hpp>

using coax::position;

BOOST_AUTO_TEST_SUITE(positions)

BOOST_AUTO_TEST_CASE(a_default_made_one_is_in_no_history) {
  BOOST_TEST(!position());
  BOOST_TEST(!!position("e", 0, 0));
  BOOST_TEST((position() == *position::from_token(position().to_token())));
}

BOOST_AUTO_TEST_CASE(an_epoch_has_1_to_64_bytes) {
  BOOST_CHECK_THROW(position("", 1, 2), std::invalid_argument);
  BOOST_CHECK_NO_THROW(position(std::string(64, 'x'), 1, 2));
  BOOST_CHECK_THROW(position(std::string(65, 'x'), 1, 2), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_token_is_short_and_of_safe_characters_and_gives_the_position_back) {
  const std::string safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (std::size_t length = 1; length <= position::max_epoch; ++length) {
    std::string epoch;
    for (std::size_t i = 0; i < length; ++i) epoch += static_cast<char>(i * 37 + length);
    const position p(epoch, 0xfedcba9876543210U, length);

    const auto token = p.to_token();

    BOOST_TEST(token.size() <= position::max_token);
    BOOST_TEST(token.find_first_not_of(safe) == token.npos);
    const auto back = position::from_token(token);
    BOOST_REQUIRE(back);
    BOOST_TEST((*back == p));
  }
}

BOOST_AUTO_TEST_CASE(a_token_is_the_same_in_every_version) {
  BOOST_TEST(position("epoch", 1, 2).to_token() == "AQAAAAAAAAABAAAAAAAAAAJlcG9jaA");
}

BOOST_AUTO_TEST_CASE(anything_else_is_no_token) {
  const auto good = position("epoch", 1, 2).to_token();
  BOOST_TEST(!position::from_token(""));
  BOOST_TEST(!position::from_token("7"));
  BOOST_TEST(!position::from_token(good + "="));
  BOOST_TEST(!position::from_token(good + "AAA"));                           // a digit too many
  BOOST_TEST(!position::from_token(good.substr(0, good.size() - 1) + "B"));  // bits behind the end
  BOOST_TEST(!position::from_token("B" + good.substr(1)));                   // another version
  BOOST_TEST(!position::from_token(good.substr(0, 20)));
  BOOST_TEST(!position::from_token("AQAAAAAAAAABAAAAAAAAAAI"));  // an offset in no epoch
  BOOST_TEST(!position::from_token(std::string(position::max_token + 1, 'A')));
  BOOST_TEST(!position::from_token("AQAAAAAAAAABAAAAAAAAAAJlcG9ja\xff"));
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto spoilt = good;
    spoilt[i] = '\n';
    BOOST_TEST(!position::from_token(spoilt));
  }
}

BOOST_AUTO_TEST_SUITE_END()
