#include "protocol/extensions.hpp"

#include <algorithm>

namespace coax::protocol {
namespace {

constexpr std::string_view deflate_name = "permessage-deflate";

/// Reads one field's value element by element.
class extension_reader {
 public:
  explicit extension_reader(std::string_view text) noexcept : rest_(text) {}

  /// False at the end.
  bool next(extension& out) {
    while (accept(',')) {
    }
    if (rest_.empty()) return false;
    out = {};
    out.malformed = !element(out);
    if (out.malformed) skip_element();
    return true;
  }

 private:
  bool element(extension& out) {
    if (!token(out.name)) return false;
    while (accept(';')) {
      auto& p = out.parameters.emplace_back();
      if (!token(p.name)) return false;
      if (accept('=') && !value(p.value.emplace())) return false;
    }
    return rest_.empty() || rest_.front() == ',';
  }

  bool token(std::string& out) {
    skip_space();
    const auto end = std::min(rest_.find_first_of(" \t,;=\""), rest_.size());
    out = rest_.substr(0, end);
    rest_.remove_prefix(end);
    skip_space();
    return is_token(out);
  }

  bool value(std::string& out) {
    skip_space();
    if (!accept('"')) return token(out);
    if (!quoted(out)) return false;
    skip_space();
    // RFC 6455 9.1: what is quoted must be a token when it is not.
    return is_token(out);
  }

  bool quoted(std::string& out) {
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) return false;
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // To the comma that ends it, unless that is quoted.
  void skip_element() {
    std::string unused;
    while (!rest_.empty() && rest_.front() != ',') {
      const bool quote = rest_.front() == '"';
      rest_.remove_prefix(1);
      if (quote) quoted(unused);
    }
  }

  bool accept(char c) noexcept {
    skip_space();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip_space() noexcept { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

  std::string_view rest_;
};

/// The parameters of one permessage-deflate, each of them at most once and with a value that it may have.
struct deflate_parameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::optional<unsigned> server_max_window_bits;
  bool client_max_window_bits_named = false;
  std::optional<unsigned> client_max_window_bits;
};

// RFC 7692 7.1.2: 8 to 15, without leading zeros.
std::optional<unsigned> window_bits(const std::optional<std::string>& value) {
  if (!value) return std::nullopt;
  if (*value == "8" || *value == "9") return static_cast<unsigned>(value->front() - '0');
  if (value->size() == 2 && value->front() == '1' && (*value)[1] >= '0' && (*value)[1] <= '5')
    return 10 + static_cast<unsigned>((*value)[1] - '0');
  return std::nullopt;
}

bool read_flag(const extension_parameter& p, bool& flag) {
  if (p.value || flag) return false;
  return flag = true;
}

bool read_parameter(const extension_parameter& p, deflate_parameters& out) {
  if (p.name == "server_no_context_takeover") return read_flag(p, out.server_no_context_takeover);
  if (p.name == "client_no_context_takeover") return read_flag(p, out.client_no_context_takeover);
  if (p.name == "server_max_window_bits") {
    if (out.server_max_window_bits) return false;
    out.server_max_window_bits = window_bits(p.value);
    return out.server_max_window_bits.has_value();
  }
  if (p.name == "client_max_window_bits") {
    if (out.client_max_window_bits_named) return false;
    out.client_max_window_bits_named = true;
    out.client_max_window_bits = window_bits(p.value);
    return out.client_max_window_bits.has_value() || !p.value;
  }
  return false;
}

// The name of the parameter that cannot be used, or nothing.
std::optional<std::string> read_parameters(const extension& e, deflate_parameters& out) {
  for (const auto& p : e.parameters)
    if (!read_parameter(p, out)) return p.name;
  return std::nullopt;
}

std::string to_text(const deflate_agreement& a, bool names_server_bits, bool names_client_bits) {
  std::string text(deflate_name);
  if (a.server_no_context_takeover) text += "; server_no_context_takeover";
  if (a.client_no_context_takeover) text += "; client_no_context_takeover";
  if (names_server_bits) text += "; server_max_window_bits=" + std::to_string(a.server_max_window_bits);
  if (names_client_bits) text += "; client_max_window_bits=" + std::to_string(a.client_max_window_bits);
  return text;
}

deflate_answer answer(const deflate_parameters& offer, const deflate_options& ours) {
  deflate_answer reply;
  auto& a = reply.agreement;
  a.server_no_context_takeover = offer.server_no_context_takeover || ours.server_no_context_takeover();
  a.client_no_context_takeover = offer.client_no_context_takeover || ours.client_no_context_takeover();
  a.server_max_window_bits = std::min(offer.server_max_window_bits.value_or(15), ours.server_max_window_bits());
  // RFC 7692 7.1.2.2: only a client that has named the parameter can be told.
  if (offer.client_max_window_bits_named)
    a.client_max_window_bits = std::min(offer.client_max_window_bits.value_or(15), ours.client_max_window_bits());
  reply.extension = to_text(a, offer.server_max_window_bits || a.server_max_window_bits < 15,
                            offer.client_max_window_bits_named && a.client_max_window_bits < 15);
  return reply;
}

failure refused(std::string text) { return {errc::handshake_failed, status::mandatory_extension, std::move(text)}; }

outcome<deflate_agreement> check_parameters(const deflate_parameters& reply, const deflate_options& offered) {
  const auto own_limit = offered.server_max_window_bits();
  if (offered.server_no_context_takeover() && !reply.server_no_context_takeover)
    return refused("the server does not agree to server_no_context_takeover, which was offered (RFC 7692 7.1.1.1)");
  if (own_limit < 15 && !reply.server_max_window_bits)
    return refused("the server does not agree to server_max_window_bits, which was offered (RFC 7692 7.1.2.1)");
  if (reply.server_max_window_bits > own_limit)
    return refused("the server chose server_max_window_bits=" + std::to_string(*reply.server_max_window_bits) +
                   " although " + std::to_string(own_limit) + " was offered (RFC 7692 7.1.2.1)");
  if (reply.client_max_window_bits_named && !reply.client_max_window_bits)
    return refused("the server chose client_max_window_bits without a value (RFC 7692 7.1.2.2)");
  if (reply.client_max_window_bits > offered.client_max_window_bits())
    return refused("the server chose client_max_window_bits=" + std::to_string(*reply.client_max_window_bits) +
                   " although " + std::to_string(offered.client_max_window_bits()) + " was offered (RFC 7692 7.1.2.2)");
  deflate_agreement a;
  a.server_no_context_takeover = reply.server_no_context_takeover;
  a.client_no_context_takeover = reply.client_no_context_takeover || offered.client_no_context_takeover();
  a.server_max_window_bits = reply.server_max_window_bits.value_or(15);
  a.client_max_window_bits = reply.client_max_window_bits.value_or(offered.client_max_window_bits());
  return a;
}

}  // namespace

std::vector<extension> parse_extensions(header_fields fields) {
  std::vector<extension> all;
  for (const auto& field : fields) {
    if (!iequals(field.name, "Sec-WebSocket-Extensions")) continue;
    extension_reader reader(field.value);
    for (extension e; reader.next(e);) all.push_back(std::move(e));
  }
  return all;
}

std::optional<deflate_answer> choose_deflate(header_fields request, const deflate_options& ours) {
  if (ours.mode() == deflate_mode::off) return std::nullopt;
  for (const auto& e : parse_extensions(request)) {
    deflate_parameters offer;
    if (!e.malformed && e.name == deflate_name && !read_parameters(e, offer)) return answer(offer, ours);
  }
  return std::nullopt;
}

std::string deflate_offer(const deflate_options& ours) {
  if (ours.mode() == deflate_mode::off) return {};
  const deflate_agreement wish{ours.server_no_context_takeover(), ours.client_no_context_takeover(),
                               ours.server_max_window_bits(), ours.client_max_window_bits()};
  const bool limits_itself = wish.client_max_window_bits < 15;
  auto text = to_text(wish, wish.server_max_window_bits < 15, limits_itself);
  // Without a value: the server may limit us.
  return limits_itself ? text : text + "; client_max_window_bits";
}

outcome<std::optional<deflate_agreement>> check_extensions(header_fields reply, const deflate_options& offered) {
  std::optional<deflate_agreement> agreed;
  for (const auto& e : parse_extensions(reply)) {
    if (e.malformed) return refused("the server's choice of extensions is malformed (RFC 6455 9.1)");
    if (offered.mode() == deflate_mode::off || e.name != deflate_name)
      return refused("the server chose the extension " + in_quotes(e.name) + ", which was not offered (RFC 6455 4.1)");
    if (agreed) return refused("the server chose permessage-deflate twice (RFC 7692 5)");
    deflate_parameters parameters;
    if (const auto bad = read_parameters(e, parameters))
      return refused("the server chose permessage-deflate with the parameter " + in_quotes(*bad) +
                     ", which is unknown, repeated or has a wrong value (RFC 7692 7.1)");
    const auto checked = check_parameters(parameters, offered);
    if (!checked) return checked.error();
    agreed = *checked;
  }
  return agreed;
}

}  // namespace coax::protocol
