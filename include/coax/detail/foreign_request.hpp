#pragma once

#include <coax/headers.hpp>
#include <coax/stream_transport.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace coax::detail {

/// A request that another server has parsed.
class foreign_request {
 public:
  foreign_request(std::string_view m, std::string_view t, unsigned v) : method(m), target(t), version(v) {}

  std::string method;
  std::string target;
  unsigned version;
  std::vector<header_field> fields;
  std::string already_read;
};

template <class Request>
concept beast_request = requires(const Request& r) {
  r.method_string(), r.target(), r.version(), r.begin()->name_string();
};

/// A copy of what an `accept` needs to know of a request of Boost.Beast, with the bytes behind it.
template <beast_request Request, class ConstBuffers>
foreign_request describe(const Request& request, const ConstBuffers& already_read) {
  const auto text = [](const auto& s) { return std::string_view(s.data(), s.size()); };
  foreign_request r(text(request.method_string()), text(request.target()), request.version());
  for (const auto& f : request) r.fields.emplace_back(text(f.name_string()), text(f.value()));
  for (auto b = asio::buffer_sequence_begin(already_read); b != asio::buffer_sequence_end(already_read); ++b) {
    const asio::const_buffer bytes(*b);
    r.already_read.append(static_cast<const char*>(bytes.data()), bytes.size());
  }
  return r;
}

}  // namespace coax::detail
