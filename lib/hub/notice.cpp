#include "hub/notice.hpp"

#include <memory>

namespace coax::detail {
namespace {

std::string about(std::string_view type, std::string_view topic) {
  std::string json = "{\"type\":\"";
  json.append(type).append("\",\"topic\":");
  append_json_string(json, topic);
  return json;
}

shared_delivery text(std::string_view type, const std::string& json) {
  return std::make_shared<const delivery>(encode(message_kind::text, boost::asio::buffer(json)), type);
}

}  // namespace

void append_json_string(std::string& to, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  to += '"';
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (to += '\\') += c;
    } else if (code < 0x20) {
      ((to += "\\u00") += digits[code >> 4]) += digits[code & 15];
    } else {
      to += c;
    }
  }
  to += '"';
}

shared_delivery notice_of_drops(std::string_view topic, std::size_t messages) {
  return text("dropped", about("dropped", topic) + ",\"messages\":" + std::to_string(messages) + "}");
}

shared_delivery notice_of_reset(std::string_view topic) { return text("reset", about("reset", topic) + "}"); }

shared_delivery notice_of_presence(std::string_view topic, const presence_change& change) {
  const std::string_view type = change.what == presence_change::kind::joined ? "joined" : "left";
  auto json = about(type, topic) + ",\"user\":";
  append_json_string(json, change.user);
  append_json_string(json += ",\"data\":", change.data);
  return text(type, json + "}");
}

shared_delivery notice_of_resumption(const std::vector<std::string_view>& topics) {
  std::string json = "{\"type\":\"resumed\",\"topics\":[";
  for (const auto& t : topics) {
    if (json.back() != '[') json += ',';
    append_json_string(json, t);
  }
  return text("resumed", json + "]}");
}

shared_delivery notice_of_refusal(std::string_view why) {
  std::string json = "{\"type\":\"refused\",\"why\":";
  append_json_string(json, why);
  return text("refused", json + "}");
}

}  // namespace coax::detail
