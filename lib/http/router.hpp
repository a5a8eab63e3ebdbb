/// From method and path to the handler of a request.
#pragma once

#include <coax/exchange.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace coax::http {

struct route {
  std::string method;  ///< Empty: any.
  request_handler handler;
  std::vector<std::string> params;  ///< Names of what ":name" and "*name" stand for, in the order of the path.
};

struct route_match {
  const route* found = nullptr;
  std::vector<std::string> values;   ///< Of the parameters of `found`.
  std::vector<std::string> allowed;  ///< Methods of the routes with that path, when none takes the method.
};

/// A tree of path segments. A literal segment goes before ":name", and that before "*name", at each step; a branch
/// that leads to no route of the method is left for the next one.
class router {
 public:
  router();
  ~router();

  /// @throws std::invalid_argument a malformed pattern, or one that exists already.
  void add(std::string_view method, std::string_view pattern, request_handler handler);

  /// HEAD is served by GET if nothing else takes it.
  route_match match(std::string_view method, std::span<const std::string> segments) const;

  /// The methods of all routes, for "OPTIONS *".
  std::vector<std::string> methods() const;

 private:
  struct node;
  struct search;

  std::unique_ptr<node> root_;
};

}  // namespace coax::http
