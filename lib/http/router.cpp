#include "http/router.hpp"

#include "protocol/header_field.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>

namespace coax::http {

struct router::node {
  std::map<std::string, std::unique_ptr<node>, std::less<>> literal;
  std::unique_ptr<node> param;
  std::unique_ptr<node> rest;
  std::vector<std::unique_ptr<route>> routes;

  static node& child(std::unique_ptr<node>& at) {
    if (!at) at = std::make_unique<node>();
    return *at;
  }

  const route* take(std::string_view method) const {
    for (const auto& r : routes)
      if (r->method == method) return r.get();
    return nullptr;
  }
};

/// One look-up; visits each node of the tree at most once.
struct router::search {
  std::string_view method;
  std::span<const std::string> segments;
  route_match out;

  bool visit(const node& at, std::size_t depth) {
    if (depth == segments.size()) return end(at);
    const auto next = at.literal.find(segments[depth]);
    if (next != at.literal.end() && visit(*next->second, depth + 1)) return true;
    if (at.param && !segments[depth].empty()) {
      out.values.push_back(segments[depth]);
      if (visit(*at.param, depth + 1)) return true;
      out.values.pop_back();
    }
    if (at.rest) {
      std::string joined = segments[depth];
      for (const auto& segment : segments.subspan(depth + 1)) joined.append("/").append(segment);
      out.values.push_back(std::move(joined));
      if (end(*at.rest)) return true;
      out.values.pop_back();
    }
    return false;
  }

  bool end(const node& at) {
    out.found = at.take(method);
    if (!out.found && method == "HEAD") out.found = at.take("GET");
    if (!out.found) out.found = at.take("");
    if (out.found) return true;
    for (const auto& r : at.routes) {
      out.allowed.push_back(r->method);
      if (r->method == "GET") out.allowed.emplace_back("HEAD");
    }
    return false;
  }
};

namespace {

void sort_out(std::vector<std::string>& methods) {
  std::ranges::sort(methods);
  const auto again = std::ranges::unique(methods);
  methods.erase(again.begin(), again.end());
}

[[noreturn]] void malformed(std::string_view pattern, const char* why) {
  throw std::invalid_argument("route \"" + std::string(pattern) + "\": " + why);
}

}  // namespace

router::router() : root_(std::make_unique<node>()) {}
router::~router() = default;

void router::add(std::string_view method, std::string_view pattern, request_handler handler) {
  if (!method.empty() && !protocol::is_token(method)) malformed(pattern, "the method is not a token");
  if (!pattern.starts_with('/')) malformed(pattern, "a pattern begins with '/'");
  if (!handler) malformed(pattern, "the handler is empty");
  auto made = std::make_unique<route>();
  node* at = root_.get();
  for (std::size_t begin = 1; begin <= pattern.size();) {
    const auto end = std::min(pattern.find('/', begin), pattern.size());
    const auto segment = pattern.substr(begin, end - begin);
    const bool named = segment.starts_with(':') || segment.starts_with('*');
    if (named) {
      if (segment.size() == 1) malformed(pattern, "a parameter without a name");
      if (std::ranges::count(made->params, segment.substr(1)) != 0)
        malformed(pattern, "a name stands for two parameters");
      made->params.emplace_back(segment.substr(1));
    }
    if (segment.starts_with('*') && end != pattern.size()) malformed(pattern, "\"*name\" is the last segment");
    if (segment.starts_with(':'))
      at = &node::child(at->param);
    else if (segment.starts_with('*'))
      at = &node::child(at->rest);
    else
      at = &node::child(at->literal[std::string(segment)]);
    begin = end + 1;
  }
  if (at->take(method)) malformed(pattern, "there is a route for that method and path already");
  made->method = method;
  made->handler = std::move(handler);
  at->routes.push_back(std::move(made));
}

route_match router::match(std::string_view method, std::span<const std::string> segments) const {
  search s{method, segments, {}};
  s.visit(*root_, 0);
  sort_out(s.out.allowed);
  return std::move(s.out);
}

std::vector<std::string> router::methods() const {
  std::vector<std::string> all;
  std::vector<const node*> open{root_.get()};
  while (!open.empty()) {
    const node& at = *open.back();
    open.pop_back();
    for (const auto& r : at.routes) {
      if (!r->method.empty()) all.push_back(r->method);
      if (r->method == "GET") all.emplace_back("HEAD");
    }
    for (const auto& [name, next] : at.literal) open.push_back(next.get());
    if (at.param) open.push_back(at.param.get());
    if (at.rest) open.push_back(at.rest.get());
  }
  sort_out(all);
  return all;
}

}  // namespace coax::http
