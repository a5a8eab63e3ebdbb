/// @file
/// What remembers cookies between the requests of `dial`.
///
///     auto jar = std::make_shared<my_jar>();   // over what keeps the cookies of your HTTP client
///     coax::conn c = co_await coax::dial("wss://example.com/", coax::dial_options().cookies(jar), ctx);
#pragma once

#include <coax/detail/export.hpp>

#include <string>
#include <string_view>

namespace coax {

/// An interface to a store of cookies (RFC 6265), which is not part of this library. `dial` calls it on the executor of
/// the calling coroutine: for every request, those of redirects included, and for every answer, also one that refuses.
/// The URL is http:// or https://, with path and query, without user and password.
class COAX_EXPORT cookie_jar {
 public:
  virtual ~cookie_jar() = default;

  /// The value of the field Cookie for a request to `url`, as "a=1; b=2"; empty for none.
  virtual std::string cookies_for(std::string_view url) = 0;
  /// The value of a field Set-Cookie in the answer from `url`, as it came.
  virtual void set_cookie(std::string_view url, std::string_view value) = 0;
};

}  // namespace coax
