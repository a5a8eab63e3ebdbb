#include "redis/connect.hpp"

#include "websocket/dial_connect.hpp"
#include "websocket/dial_tls.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

namespace coax::redis {
namespace {

using protocol::resp_value;

struct login {
  login() = default;
  std::string user;
  std::string password;
  std::string client_name;
  unsigned database = 0;
};

coax::detail::dial_target target_of(const endpoint& to, bool secure) {
  coax::detail::dial_target t;
  t.secure = secure;
  t.speaks_http = false;
  t.host = to.host;
  t.port = to.port;
  t.socket_path = to.socket_path;
  t.host_field = to.name();
  return t;
}

// A server that does not know a command repeats its arguments, and one of them may be a password.
[[noreturn]] void refuse(const std::string& who, const resp_value& answer) {
  const auto text = answer.text().substr(0, answer.text().find(", with args"));
  throw system_error(errc::handshake_failed, "redis: " + who + " answered " + std::string(text));
}

command hello(const login& l) {
  command c("HELLO");
  c.arg(3);
  if (!l.password.empty()) c.arg("AUTH").arg(l.user.empty() ? "default" : l.user).arg(l.password);
  if (!l.client_name.empty()) c.arg("SETNAME").arg(l.client_name);
  return c;
}

// Redis 5 and users whom the ACL forbids HELLO.
bool lacks_hello(const resp_value& answer) {
  static constexpr std::string_view words[] = {"ERR", "NOPROTO", "NOPERM"};
  return std::ranges::find(words, answer.error_word()) != std::end(words);
}

task<> log_in_without_hello(conversation& with, const login& l, const std::string& who, const context& ctx) {
  if (!l.password.empty()) {
    command auth("AUTH");
    if (!l.user.empty()) auth.arg(l.user);
    auth.arg(l.password);
    const auto answer = co_await with.ask(auth, ctx);
    if (answer.is_error()) refuse(who, answer);
  }
  if (l.client_name.empty()) co_return;
  command name("CLIENT");
  name.arg("SETNAME").arg(l.client_name);
  co_await with.ask(name, ctx);  // not everybody may have a name
}

task<> log_in(conversation& with, const login& l, const std::string& who, const context& ctx) {
  const command greeting = hello(l);
  const auto answer = co_await with.ask(greeting, ctx);
  if (answer.is_error()) {
    if (!lacks_hello(answer)) refuse(who, answer);
    co_await log_in_without_hello(with, l, who, ctx);
  }
  if (l.database == 0) co_return;
  command select("SELECT");
  select.arg(l.database);
  const auto selected = co_await with.ask(select, ctx);
  if (selected.is_error()) refuse(who, selected);
}

task<> check_master(conversation& with, const std::string& who, const context& ctx) {
  const command question("ROLE");
  const auto answer = co_await with.ask(question, ctx);
  if (answer.is_error()) refuse(who, answer);
  if (answer[0].text() != "master")
    throw system_error(errc::handshake_failed,
                       "redis: " + who + " is not the master, but a " + std::string(answer[0].text()));
}

task<std::shared_ptr<transport>> connect_as(std::shared_ptr<const connect_plan> plan, endpoint to, login l, role needed,
                                            context ctx) {
  const std::string who = to.name();
  const auto target = target_of(to, plan->url().secure);
  const context bounded = ctx.with_timeout(plan->options().connect_timeout());
  conversation with(co_await coax::detail::connect_to(target, *plan, bounded));
  co_await log_in(with, l, who, bounded);
  if (needed == role::master) co_await check_master(with, who, bounded);
  co_return with.succeed();
}

// One Sentinel that is silent must not cost the time that the others would need.
task<std::optional<endpoint>> ask_sentinel(std::shared_ptr<const connect_plan> plan, endpoint sentinel, context ctx) {
  conversation with(co_await connect_sentinel(plan, std::move(sentinel), ctx));
  command question("SENTINEL");
  question.arg("get-master-addr-by-name").arg(plan->url().master);
  const auto answer = co_await with.ask(question, ctx);
  if (answer.size() != 2) co_return std::nullopt;
  co_return endpoint(std::string(answer[0].text()), std::string(answer[1].text()));
}

}  // namespace

connect_plan::connect_plan(redis_url url, const redis_options& options)
    : connect_options("redis"), url_(std::move(url)), options_(options) {
  proxy_from_environment(false);
  ca_file(options.ca_file());
  insecure_skip_verify(options.insecure_skip_verify());
  tls(options.tls());
  // Read once, and wrong files found now.
  if (url_.secure) tls(coax::detail::tls_for(*this));
}

task<resp_value> conversation::ask(const command& question, const context& ctx) {
  std::string bytes;
  question.append_to(bytes);
  const asio::const_buffer buffer = asio::buffer(bytes);
  const error_code ec = co_await attempt_.io().write(buffer, ctx);
  if (ec) throw system_error(ec, "redis: asking " + attempt_.io().lower().remote_endpoint());
  co_return co_await hear(ctx);
}

task<resp_value> conversation::hear(const context& ctx) {
  for (;;) {
    const auto answer = parser_.next();
    if (answer && answer->kind() != protocol::resp_kind::push) co_return *answer;
    if (answer) continue;
    if (parser_.error()) throw system_error(errc::protocol_error, parser_.error()->text);
    const auto room = parser_.prepare(4096);
    const asio::mutable_buffer buffer(room.data(), room.size());
    const auto n = co_await attempt_.io().read_some(buffer, ctx);
    if (!n) throw system_error(n.error(), "redis: the answer of " + attempt_.io().lower().remote_endpoint());
    parser_.commit(*n);
  }
}

task<std::shared_ptr<transport>> connect_server(std::shared_ptr<const connect_plan> plan, endpoint to, role needed,
                                                context ctx) {
  login l;
  l.user = plan->url().user;
  l.password = plan->url().password;
  l.client_name = plan->options().client_name();
  l.database = plan->url().database;
  co_return co_await connect_as(std::move(plan), std::move(to), std::move(l), needed, std::move(ctx));
}

task<std::shared_ptr<transport>> connect_sentinel(std::shared_ptr<const connect_plan> plan, endpoint to, context ctx) {
  login l;
  l.user = plan->options().sentinel_user();
  l.password = plan->options().sentinel_password();
  l.client_name = plan->options().client_name();
  co_return co_await connect_as(std::move(plan), std::move(to), std::move(l), role::any, std::move(ctx));
}

task<endpoint> find_master(std::shared_ptr<const connect_plan> plan, std::shared_ptr<std::size_t> first, context ctx) {
  const auto& sentinels = plan->url().seeds;
  std::string why = "none of the Sentinels knows a master " + plan->url().master;
  for (std::size_t i = 0; i < sentinels.size(); ++i) {
    const auto which = (*first + i) % sentinels.size();
    std::optional<endpoint> master;
    try {
      const context bounded = ctx.with_timeout(plan->options().connect_timeout() / 4);
      master = co_await ask_sentinel(plan, sentinels[which], bounded);
    } catch (const system_error& e) {
      why = e.what();
    }
    if (master) {
      *first = which;
      co_return std::move(*master);
    }
    if (const auto ec = ctx.stopped()) throw system_error(ec, "redis: asking the Sentinels");
  }
  throw system_error(errc::handshake_failed, "redis: " + why);
}

}  // namespace coax::redis
