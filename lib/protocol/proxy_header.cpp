#include "protocol/proxy_header.hpp"

#include "core/parse_number.hpp"
#include "protocol/network.hpp"

#include <boost/crc.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace coax::protocol {
namespace {

namespace ip = boost::asio::ip;
using verdict = proxy_header::verdict;

constexpr std::string_view prefix_v1 = "PROXY ";
constexpr std::string_view signature_v2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t max_line_v1 = 107;  // with CRLF, section 2.1
constexpr std::size_t fixed_v2 = 16;

proxy_header found(verdict what, std::size_t size = 0) {
  proxy_header h;
  h.what = what;
  h.size = size;
  return h;
}

std::string join(const ip::address& a, unsigned port) {
  const auto text = a.is_v6() ? '[' + a.to_string() + ']' : a.to_string();
  return text + ':' + std::to_string(port);
}

// Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n".

std::optional<std::uint16_t> port_of(std::string_view digits) {
  const bool leading_zero = digits.size() > 1 && digits.front() == '0';
  return leading_zero ? std::nullopt : coax::detail::parse_number<std::uint16_t>(digits);
}

std::vector<std::string_view> split_at_spaces(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t begin = 0; begin <= line.size();) {
    const auto end = std::min(line.find(' ', begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

proxy_header read_line(std::string_view line) {
  const auto words = split_at_spaces(line.substr(prefix_v1.size()));
  auto h = found(verdict::complete, line.size() + 2);
  // Whatever follows this word is to be ignored.
  if (words[0] == "UNKNOWN") return h;
  if (words.size() != 5 || (words[0] != "TCP4" && words[0] != "TCP6")) return found(verdict::malformed);
  const auto source = parse_address(words[1]), destination = parse_address(words[2]);
  const auto source_port = port_of(words[3]), destination_port = port_of(words[4]);
  const bool v6 = words[0] == "TCP6";
  if (!source || !destination || source->is_v6() != v6 || destination->is_v6() != v6 || !source_port ||
      !destination_port)
    return found(verdict::malformed);
  h.endpoints.emplace();
  h.endpoints->remote = join(*source, *source_port);
  h.endpoints->local = join(*destination, *destination_port);
  return h;
}

proxy_header read_v1(std::string_view bytes) {
  const auto end = bytes.substr(0, max_line_v1).find("\r\n");
  if (end != bytes.npos) return read_line(bytes.substr(0, end));
  if (bytes.size() >= max_line_v1) return found(verdict::malformed);
  const std::size_t shortest = bytes.starts_with("PROXY T") ? std::string_view("PROXY TCP6 :: :: 0 0\r\n").size()
                                                            : std::string_view("PROXY UNKNOWN\r\n").size();
  if (bytes.size() < shortest) return found(verdict::more, shortest - bytes.size());
  return found(verdict::more, bytes.ends_with('\r') ? 1 : 2);
}

// Version 2: the signature, version and command, family and protocol, the length of the rest, addresses, TLVs.

unsigned byte_at(std::string_view bytes, std::size_t i) noexcept { return static_cast<unsigned char>(bytes[i]); }
unsigned number_at(std::string_view bytes, std::size_t i) noexcept {
  return byte_at(bytes, i) << 8 | byte_at(bytes, i + 1);
}

std::size_t address_size(unsigned family) noexcept {
  constexpr std::size_t sizes[] = {0, 12, 36, 216};
  return sizes[family];
}

template <class Address>
std::string endpoint_at(std::string_view bytes, std::size_t address_at, std::size_t port_at) {
  typename Address::bytes_type raw;
  std::memcpy(raw.data(), bytes.data() + address_at, raw.size());
  return join(Address(raw), number_at(bytes, port_at));
}

std::string path_at(std::string_view bytes, std::size_t at) {
  const auto path = bytes.substr(at, 108);
  return std::string(path.substr(0, path.find('\0')));
}

std::optional<proxied_endpoints> endpoints_of(unsigned family, std::string_view rest) {
  proxied_endpoints e;
  switch (family) {
    case 1:
      e.remote = endpoint_at<ip::address_v4>(rest, 0, 8);
      e.local = endpoint_at<ip::address_v4>(rest, 4, 10);
      return e;
    case 2:
      e.remote = endpoint_at<ip::address_v6>(rest, 0, 32);
      e.local = endpoint_at<ip::address_v6>(rest, 16, 34);
      return e;
    case 3:
      e.remote = path_at(rest, 0);
      e.local = path_at(rest, 108);
      return e;
    default: return std::nullopt;
  }
}

// Section 2.2.3: over the whole header, with zeros in place of the checksum.
bool checksum_holds(std::string_view header, std::size_t at) {
  std::string bytes(header);
  std::uint32_t told = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    told = told << 8 | static_cast<unsigned char>(bytes[i]);
    bytes[i] = '\0';
  }
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum() == told;
}

bool tlvs_are_sound(std::string_view header, std::size_t at) {
  constexpr unsigned crc32c = 3;
  while (at != header.size()) {
    if (header.size() - at < 3) return false;
    const auto type = byte_at(header, at);
    const auto size = number_at(header, at + 1);
    at += 3;
    if (header.size() - at < size) return false;
    if (type == crc32c && (size != 4 || !checksum_holds(header, at))) return false;
    at += size;
  }
  return true;
}

proxy_header read_v2(std::string_view bytes) {
  if (bytes.size() < fixed_v2) return found(verdict::more, fixed_v2 - bytes.size());
  const auto command = byte_at(bytes, 12), kind = byte_at(bytes, 13);
  const auto size = fixed_v2 + number_at(bytes, 14);
  const auto family = kind >> 4, protocol = kind & 15U;
  if ((command != 0x20 && command != 0x21) || size > proxy_header::max_size) return found(verdict::malformed);
  if (bytes.size() < size) return found(verdict::more, size - bytes.size());
  auto h = found(verdict::complete, size);
  // LOCAL: all that follows is to be skipped, the family as well.
  if (command == 0x20) return h;
  if (family > 3 || protocol > 2) return found(verdict::malformed);
  const auto header = bytes.substr(0, size);
  const auto tlvs = fixed_v2 + address_size(family);
  if (tlvs > size || !tlvs_are_sound(header, tlvs)) return found(verdict::malformed);
  if (protocol == 1) h.endpoints = endpoints_of(family, header.substr(fixed_v2));
  return h;
}

bool begins_alike(std::string_view bytes, std::string_view signature) noexcept {
  const auto n = std::min(bytes.size(), signature.size());
  return bytes.substr(0, n) == signature.substr(0, n);
}

}  // namespace

proxy_header read_proxy_header(std::string_view bytes) {
  if (begins_alike(bytes, prefix_v1)) return read_v1(bytes);
  if (begins_alike(bytes, signature_v2)) return read_v2(bytes);
  return found(verdict::absent);
}

}  // namespace coax::protocol
