#include "hub/resume_token.hpp"

#include "protocol/base64.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

BOOST_AUTO_TEST_SUITE(resume_token_)

using namespace coax;
using namespace coax::detail;

namespace {

constexpr std::int64_t noon = 1'800'000'000;

signing_keys keys(std::vector<std::string> secrets = {"0123456789abcdef0123456789abcdef"}) {
  return signing_keys(std::move(secrets));
}

resume_claim claim_of_ada() {
  resume_claim c;
  c.user = "ada";
  c.expires = noon + 60;
  c.origins = {{1, 2}, {3, 4}};
  c.places = {{"lobby", position("epoch", 7, 70)}, {"news/#1", position("another", 0, 0)}};
  return c;
}

resume_refusal refusal(std::string_view text, std::string_view user = "ada", std::int64_t now = noon,
                       const signing_keys& with = keys()) {
  resume_claim c;
  return read_resume(text, with, user, now, c);
}

position place_of(std::string_view text, std::string_view topic) {
  resume_claim c;
  BOOST_TEST((read_resume(text, keys(), "ada", noon, c) == resume_refusal::none));
  for (const auto& p : c.places)
    if (p.topic == topic) return p.at;
  return {};
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_token_says_what_was_signed) {
  const auto t = sign(claim_of_ada(), resume_options(keys()));
  resume_claim c;
  BOOST_TEST((read_resume(t.text, keys(), "ada", noon, c) == resume_refusal::none));
  BOOST_TEST(c.user == "ada");
  BOOST_TEST(c.expires == noon + 60);
  BOOST_TEST((c.origins == std::vector<origin>{{1, 2}, {3, 4}}));
  BOOST_TEST(c.places.size() == 2u);
  BOOST_TEST((place_of(t.text, "lobby") == position("epoch", 7, 70)));
  BOOST_TEST((place_of(t.text, "news/#1") == position("another", 0, 0)));
  BOOST_TEST((t.topics == std::vector<std::string>{"lobby", "news/#1"}));
}

BOOST_AUTO_TEST_CASE(what_is_no_token_of_ours_for_this_user_now_is_refused) {
  const auto t = sign(claim_of_ada(), resume_options(keys())).text;
  BOOST_TEST((refusal(t) == resume_refusal::none));
  BOOST_TEST((refusal("%%%") == resume_refusal::malformed));
  BOOST_TEST((refusal("AAAA") == resume_refusal::malformed));
  BOOST_TEST((refusal(".x") == resume_refusal::malformed));
  BOOST_TEST((refusal(std::string(resume_options::longest + 1, 'A')) == resume_refusal::malformed));
  BOOST_TEST((refusal(t, "bob") == resume_refusal::foreign));
  BOOST_TEST((refusal(t, "") == resume_refusal::foreign));
  BOOST_TEST((refusal(t, "ada", noon + 60) == resume_refusal::expired));
  BOOST_TEST((refusal(t, "ada", noon, keys({"another secret of sixteen bytes"})) == resume_refusal::forged));
  for (std::size_t i = 0; i < t.size(); ++i) {
    auto changed = t;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto why = refusal(changed);
    BOOST_TEST((why == resume_refusal::forged || why == resume_refusal::malformed), "changed at " << i);
  }
  // Signed by us for something else, or by a later version.
  BOOST_TEST((refusal(keys().sign("affinity", "node 1")) == resume_refusal::forged));
  BOOST_TEST((refusal(keys().sign("resume", "\x02whatever this will be")) == resume_refusal::malformed));
  BOOST_TEST((refusal(keys().sign("resume", "")) == resume_refusal::malformed));
}

BOOST_AUTO_TEST_CASE(keys_can_be_rotated) {
  const std::string old_secret = "the secret of last month", fresh_secret = "the secret of this month";
  const auto old_token = sign(claim_of_ada(), resume_options(keys({old_secret}))).text;
  const auto fresh_token = sign(claim_of_ada(), resume_options(keys({fresh_secret, old_secret}))).text;
  BOOST_TEST((refusal(old_token, "ada", noon, keys({fresh_secret, old_secret})) == resume_refusal::none));
  BOOST_TEST((refusal(fresh_token, "ada", noon, keys({old_secret, fresh_secret})) == resume_refusal::none));
  BOOST_TEST((refusal(old_token, "ada", noon, keys({fresh_secret})) == resume_refusal::forged));
}

BOOST_AUTO_TEST_CASE(marks_move_a_place_on_and_never_back) {
  const auto t = sign(claim_of_ada(), resume_options(keys())).text;
  const auto with = [&](std::initializer_list<std::string> marks) {
    auto text = t;
    for (const auto& m : marks) text += "." + m;
    return place_of(text, "lobby");
  };
  const auto far = position("epoch", 9, 90);
  BOOST_TEST((with({mark_of("lobby", 9, 90)}) == far));
  BOOST_TEST((with({mark_of("lobby", 9, 90), mark_of("lobby", 8, 80)}) == far));
  BOOST_TEST((with({mark_of("lobby", 6, 60)}) == position("epoch", 7, 70)));
  BOOST_TEST((with({mark_of("elsewhere", 9, 90), "", "%", "AAAA", mark_of("lobby", 9, 90), ""}) == far));
  BOOST_TEST((place_of(t + "." + mark_of("lobby", 9, 90), "news/#1") == position("another", 0, 0)));
}

BOOST_AUTO_TEST_CASE(a_token_and_all_its_marks_are_bounded) {
  resume_claim c = claim_of_ada();
  c.places.clear();
  for (int i = 0; i != 1000; ++i)
    c.places.push_back({"topic/" + std::to_string(i), position("an epoch of 22 bytes.", 1, 2)});
  for (const std::size_t limit : {300U, 1000U, 4096U, 16384U}) {
    const auto t = sign(c, resume_options(keys()).max_size(limit));
    auto whole = t.text;
    for (const auto& topic : t.topics) whole += "." + mark_of(topic, UINT64_MAX, UINT64_MAX);
    BOOST_TEST(whole.size() <= limit);
    BOOST_TEST(whole.size() > limit - 130);
    BOOST_TEST(t.topics.front() == "topic/0");
    BOOST_TEST(t.topics.back() == "topic/" + std::to_string(t.topics.size() - 1));
    BOOST_TEST((refusal(whole) == resume_refusal::none));
  }
}

BOOST_AUTO_TEST_CASE(noise_is_refused) {
  std::mt19937 random(11);
  for (int i = 0; i != 2000; ++i) {
    std::string payload(random() % 80, '\0');
    for (auto& b : payload) b = static_cast<char>(random() % 8 == 0 ? random() : random() % 4);
    if (!payload.empty() && random() % 2) payload[0] = 1;
    // Even what is signed is read with care.
    resume_claim c;
    const auto why = read_resume(keys().sign("resume", payload), keys(), "", 0, c);
    if (why == resume_refusal::none)
      for (const auto& p : c.places) BOOST_TEST(static_cast<bool>(p.at));
    BOOST_TEST((refusal(protocol::base64url(payload)) != resume_refusal::none));
  }
}

BOOST_AUTO_TEST_SUITE_END()
