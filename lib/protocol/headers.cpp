#include "protocol/header_field.hpp"
#include <coax/headers.hpp>

#include <stdexcept>

namespace coax {
namespace {

void check(std::string_view name, std::string_view value) {
  if (!protocol::valid_field_name(name))
    throw std::invalid_argument("header name is not a token: " + protocol::printable(name));
  if (!protocol::valid_field_value(value))
    throw std::invalid_argument("header " + std::string(name) + " holds a control character (CR, LF, NUL ...)");
}

}  // namespace

headers& headers::add(std::string_view name, std::string_view value) {
  check(name, value);
  fields_.emplace_back(name, protocol::trim(value));
  return *this;
}

headers& headers::set(std::string_view name, std::string_view value) {
  check(name, value);
  // The views may point into a field that is about to go.
  header_field field(name, protocol::trim(value));
  erase(field.name);
  fields_.push_back(std::move(field));
  return *this;
}

bool headers::erase(std::string_view name) {
  return std::erase_if(fields_, [name](const header_field& f) { return protocol::iequals(f.name, name); }) != 0;
}

std::optional<std::string_view> headers::find(std::string_view name) const noexcept {
  for (const auto& f : fields_)
    if (protocol::iequals(f.name, name)) return f.value;
  return std::nullopt;
}

}  // namespace coax
