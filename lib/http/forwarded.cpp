#include "http/forwarded.hpp"

#include <algorithm>
#include <optional>
#include <ranges>
#include <vector>

namespace coax::http {

namespace ip = boost::asio::ip;
using protocol::header_fields;

namespace {

/// What one proxy says of whoever is connected to it.
struct hop {
  hop() = default;

  std::optional<ip::address> address;  // nothing for "unknown", for a name that hides one, and for what is malformed
  std::string proto;
};

/// "for=192.0.2.60;proto=http, for=\"[2001:db8::1]:80\"" (RFC 7239 section 4), read from the left: a quoted string may
/// hold what would end it.
class forwarded_reader {
 public:
  explicit forwarded_reader(std::string_view text) : text_(text) {}

  /// Nothing if any of it is malformed: a quote that the client has left open would swallow what proxies have added.
  std::optional<std::vector<hop>> read() {
    std::vector<hop> hops;
    do {
      hops.emplace_back();
      do {
        if (!read_pair(hops.back())) return std::nullopt;
      } while (take(';'));
    } while (take(','));
    skip_blanks();
    if (!text_.empty()) return std::nullopt;
    return hops;
  }

 private:
  bool read_pair(hop& h) {
    skip_blanks();
    const auto name = read_token();
    // An element of a list may be empty, and so may a pair.
    if (name.empty()) return text_.empty() || text_.front() == ';' || text_.front() == ',';
    if (!take('=')) return false;
    const auto value = text_.starts_with('"') ? read_quoted() : std::optional(std::string(read_token()));
    if (!value || value->empty()) return false;
    if (protocol::iequals(name, "for")) h.address = protocol::address_of(*value);
    if (protocol::iequals(name, "proto")) h.proto = protocol::lower_case(*value);
    skip_blanks();
    return true;
  }

  std::string_view read_token() {
    // Not quoted, the colon of an address with a port is no character of a token; it is met all the same.
    const auto is_part = [](char c) { return c == ':' || protocol::is_token({&c, 1}); };
    const auto end = std::find_if_not(text_.begin(), text_.end(), is_part);
    const auto token = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
    text_.remove_prefix(token.size());
    return token;
  }

  std::optional<std::string> read_quoted() {
    std::string value;
    for (std::size_t i = 1; i < text_.size(); ++i) {
      if (text_[i] == '"') {
        text_.remove_prefix(i + 1);
        return value;
      }
      if (text_[i] == '\\' && ++i == text_.size()) break;
      value += text_[i];
    }
    return std::nullopt;
  }

  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void skip_blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t"), text_.size())); }

  std::string_view text_;
};

// In the order of the way: the last is what our peer says. What is in front of a malformed field is not looked at.
std::vector<hop> forwarded_hops(header_fields fields) {
  std::vector<hop> all;
  for (const auto& field : fields) {
    if (!protocol::iequals(field.name, "Forwarded")) continue;
    const auto hops = forwarded_reader(field.value).read();
    if (hops)
      all.insert(all.end(), hops->begin(), hops->end());
    else
      all.assign(1, hop());
  }
  return all;
}

std::vector<hop> x_forwarded_hops(header_fields fields) {
  std::vector<hop> all;
  for (const auto element : protocol::list_elements(fields, "X-Forwarded-For"))
    all.emplace_back().address = protocol::address_of(element);
  // One word for the whole way, of which only the last is surely that of our peer.
  const auto protos = protocol::list_elements(fields, "X-Forwarded-Proto");
  if (protos.empty()) return all;
  if (all.empty()) all.emplace_back();
  for (auto& h : all) h.proto = protocol::lower_case(protos.back());
  return all;
}

void note_proto(client_identity& who, const std::string& proto) {
  if (proto == "https" || proto == "wss") who.secure = true;
  if (proto == "http" || proto == "ws") who.secure = false;
}

}  // namespace

client_identity identity_of(std::string_view remote_endpoint, bool secure) {
  client_identity who;
  const auto address = protocol::address_of(remote_endpoint);
  who.address = address ? address->to_string() : std::string(remote_endpoint);
  who.secure = secure;
  return who;
}

client_identity forwarded_client(client_identity peer, header_fields fields, forwarded_field field,
                                 const protocol::network_list& trusted) {
  if (!trusted.contains_endpoint(peer.address)) return peer;
  const auto hops = field == forwarded_field::forwarded ? forwarded_hops(fields) : x_forwarded_hops(fields);
  for (const auto& hop : std::views::reverse(hops)) {
    note_proto(peer, hop.proto);
    if (!hop.address) break;
    peer.address = hop.address->to_string();
    if (!trusted.contains(*hop.address)) break;
  }
  return peer;
}

}  // namespace coax::http
