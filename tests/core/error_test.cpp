#include <coax/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <set>
#include <system_error>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(errors)

struct row {
  errc code;
  std::errc means;
};

const row rows[] = {
    {errc::canceled, std::errc::operation_canceled},
    {errc::deadline_exceeded, std::errc::timed_out},
    {errc::canceled_sent, std::errc::operation_canceled},
    {errc::deadline_exceeded_sent, std::errc::timed_out},
    {errc::closed, std::errc::not_connected},
    {errc::concurrent_read, std::errc::operation_in_progress},
    {errc::message_too_big, std::errc::message_size},
    {errc::protocol_error, std::errc::protocol_error},
    {errc::invalid_utf8, std::errc::illegal_byte_sequence},
    {errc::corrupt_data, std::errc::bad_message},
    {errc::unexpected_data, std::errc::protocol_error},
    {errc::peer_timeout, std::errc::timed_out},
    {errc::write_stalled, std::errc::timed_out},
    {errc::slow_consumer, std::errc::no_buffer_space},
    {errc::handshake_failed, std::errc::protocol_error},
    {errc::handshake_timeout, std::errc::timed_out},
    {errc::bad_url, std::errc::invalid_argument},
    {errc::bad_request, std::errc::protocol_error},
    {errc::header_too_large, std::errc::message_size},
    {errc::body_too_large, std::errc::message_size},
    {errc::shut_down, std::errc::operation_canceled},
    {errc::invalid_data, std::errc::bad_message},
    {errc::proxy_failed, std::errc::host_unreachable},
    {errc::broker_unavailable, std::errc::resource_unavailable_try_again},
    {errc::publication_in_doubt, std::errc::connection_aborted},
};

BOOST_AUTO_TEST_CASE(each_code_means_a_standard_condition) {
  int expected = 1;
  for (const auto& r : rows) {
    const error_code ec = r.code;
    const bool means = ec == std::make_error_code(r.means).default_error_condition();
    BOOST_CHECK_MESSAGE(ec == r.means && means, ec.message());
    BOOST_CHECK_MESSAGE(ec != std::errc::broken_pipe, ec.message());
    BOOST_CHECK_MESSAGE(ec.failed() && ec.category() == coax_category(), ec.message());
    BOOST_CHECK_EQUAL(ec.value(), expected++);
  }
}

BOOST_AUTO_TEST_CASE(codes_are_errors_of_the_standard_library_as_well) {
  const std::error_code ec = make_error_code(errc::deadline_exceeded);
  BOOST_CHECK(ec == std::errc::timed_out);
  BOOST_CHECK(ec != std::errc::operation_canceled);
  BOOST_CHECK_EQUAL(ec.message(), "the deadline of the context has passed");
  BOOST_CHECK_EQUAL(ec.category().name(), "coax");
}

BOOST_AUTO_TEST_CASE(each_code_has_a_text_of_its_own) {
  std::set<std::string> texts;
  for (const auto& r : rows) texts.insert(make_error_code(r.code).message());
  BOOST_CHECK_EQUAL(texts.size(), std::size(rows));
  BOOST_CHECK(texts.count("unknown error of coax") == 0);
  BOOST_CHECK_EQUAL(make_error_code(static_cast<errc>(999)).message(), "unknown error of coax");
  const error_code unknown = static_cast<errc>(999);
  BOOST_CHECK(unknown.default_error_condition() == boost::system::error_condition(999, coax_category()));
}

BOOST_AUTO_TEST_CASE(only_two_codes_tell_of_a_message_that_leaves) {
  int sent = 0;
  for (const auto& r : rows) sent += was_sent(r.code);
  BOOST_CHECK_EQUAL(sent, 2);
  BOOST_CHECK(was_sent(errc::canceled_sent) && was_sent(errc::deadline_exceeded_sent));
  BOOST_CHECK(!was_sent(error_code()) && !was_sent(boost::asio::error::eof));
}

BOOST_AUTO_TEST_CASE(an_exception_says_what_and_why) {
  const system_error plain(errc::canceled);
  const system_error told(errc::message_too_big, "read: 40,000 bytes");
  BOOST_CHECK_EQUAL(plain.code(), make_error_code(errc::canceled));
  BOOST_CHECK(std::string(plain.what()).starts_with("the context was stopped"));
  BOOST_CHECK(std::string(told.what()).starts_with("read: 40,000 bytes: a message exceeds the read limit"));
}

BOOST_AUTO_TEST_CASE(the_place_where_a_code_was_made_is_no_part_of_the_text) {
  static constexpr boost::source_location here = BOOST_CURRENT_LOCATION;
  const error_code ec(make_error_code(errc::closed), &here);
  const system_error e(ec, "write");
  BOOST_CHECK_EQUAL(std::string(e.what()).find("error_test"), std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_text_of_a_close_tells_all_there_is) {
  struct text {
    status code;
    const char* reason;
    bool clean;
    error_code cause;
    const char* expected;
  };
  const text texts[] = {
      {status::normal, "", true, {}, "closed with 1000 (normal)"},
      {status::going_away, "bye", true, {}, "closed with 1001 (going away): bye"},
      {status{4000}, "own", true, {}, "closed with 4000: own"},
      {status::no_status, "", true, {}, "closed with 1005 (no status)"},
      {status::abnormal, "", false, boost::asio::error::eof, "the connection ended without a close frame; End of file"},
      {status::protocol_error, "RSV1", false, errc::protocol_error,
       "closed with 1002 (protocol error): RSV1; the peer broke the WebSocket protocol"},
      {status::normal, "", true, boost::asio::error::eof, "closed with 1000 (normal)"},
  };
  for (const auto& t : texts) {
    const close_error e(t.code, t.reason, t.clean, t.cause);
    BOOST_CHECK_MESSAGE(std::string(e.what()).starts_with(t.expected), e.what());
    BOOST_CHECK(e.status() == t.code && e.reason() == t.reason && e.clean() == t.clean && e.cause() == t.cause);
    BOOST_CHECK_EQUAL(e.code(), make_error_code(errc::closed));
  }
}

BOOST_AUTO_TEST_CASE(a_close_is_caught_as_every_base) {
  const auto thrown = [] { throw close_error(status::normal, "", true); };
  BOOST_CHECK_THROW(thrown(), close_error);
  BOOST_CHECK_THROW(thrown(), system_error);
  BOOST_CHECK_THROW(thrown(), boost::system::system_error);
  BOOST_CHECK_THROW(thrown(), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
