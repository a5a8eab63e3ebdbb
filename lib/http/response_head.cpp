#include "http/response_head.hpp"

#include "core/parse_number.hpp"
#include "protocol/header_field.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace coax {

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

namespace http {
namespace {

using namespace std::chrono;

constexpr std::array<const char*, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Formatting a date costs more than the rest of a head; it changes once a second.
const std::string& date_now() {
  thread_local std::time_t at = -1;
  thread_local std::string text;
  const auto now = system_clock::to_time_t(system_clock::now());
  if (now != at) text = format_date(at = now);
  return text;
}

bool frames(std::string_view name) {
  return protocol::iequals(name, "Content-Length") || protocol::iequals(name, "Transfer-Encoding") ||
         protocol::iequals(name, "Connection");
}

}  // namespace

std::string make_head(const response& r, const answer_frame& f, const headers& more) {
  std::string head = "HTTP/1.1 " + std::to_string(r.status());
  head.append(" ").append(reason_phrase(r.status())).append("\r\n");
  const auto add = [&head](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  for (const auto& field : r.headers())
    if (!frames(field.name)) add(field.name, field.value);
  for (const auto& field : more) add(field.name, field.value);
  if (!r.headers().contains("Date")) add("Date", date_now());
  if (f.how == framing::length) add("Content-Length", std::to_string(f.length));
  if (f.how == framing::chunked) add("Transfer-Encoding", "chunked");
  // What the handler has to say about the connection is kept unless it claims that the connection goes on.
  for (const auto& field : r.headers())
    if (protocol::iequals(field.name, "Connection") && !protocol::iequals(field.value, "close") &&
        !protocol::iequals(field.value, "keep-alive"))
      add("Connection", field.value);
  if (!f.keep_alive) add("Connection", "close");
  if (f.keep_alive && f.request_version < 11) add("Connection", "keep-alive");
  head.append("\r\n");
  return head;
}

std::string format_date(std::time_t at) {
  const sys_seconds time{seconds(at)};
  const auto day = floor<std::chrono::days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  char text[64];
  const int n =
      std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT", day_names[weekday(day).c_encoding()],
                    static_cast<unsigned>(date.day()), month_names[static_cast<unsigned>(date.month()) - 1],
                    static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
                    static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return std::string(text, static_cast<std::size_t>(n));
}

std::optional<std::time_t> parse_date(std::string_view text) {
  // Sun, 06 Nov 1994 08:49:37 GMT
  if (text.size() != 29 || text.substr(25) != " GMT" || text[19] != ':' || text[22] != ':') return std::nullopt;
  const auto number = [text](std::size_t at, std::size_t n) {
    return detail::parse_number<int>(text.substr(at, n)).value_or(-1);
  };
  unsigned month = 0;
  while (month < month_names.size() && text.substr(8, 3) != month_names[month]) ++month;
  const int h = number(17, 2), m = number(20, 2), s = number(23, 2), y = number(12, 4), d = number(5, 2);
  const year_month_day date(year(y), std::chrono::month(month + 1), day(static_cast<unsigned>(d)));
  if (y < 0 || !date.ok() || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60) return std::nullopt;
  const auto time = sys_days(date) + hours(h) + minutes(m) + seconds(s);
  return system_clock::to_time_t(time);
}

}  // namespace http
}  // namespace coax
