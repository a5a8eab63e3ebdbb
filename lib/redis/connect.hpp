/// From an endpoint to a connection that Redis takes commands on.
#pragma once

#include "protocol/resp.hpp"
#include "redis/command.hpp"
#include "redis/url.hpp"
#include "websocket/dial_attempt.hpp"
#include <coax/connect_options.hpp>
#include <coax/redis_options.hpp>

namespace coax::redis {

/// What the connections of a client have in common. TCP, TLS and Unix sockets are connected as `dial` does it.
class connect_plan : public connect_options<connect_plan> {
 public:
  /// @throws system_error  the file of certificate authorities cannot be used.
  connect_plan(redis_url url, const redis_options& options);

  const redis_url& url() const noexcept { return url_; }
  const redis_options& options() const noexcept { return options_; }

 private:
  redis_url url_;
  redis_options options_;
};

/// A connection on which one asks and waits for the answer, for what comes before its use.
class conversation {
 public:
  explicit conversation(std::shared_ptr<transport> t) : attempt_(std::move(t)) {}

  /// The answer, valid until the next question. @throws system_error of the transport or of `ctx`.
  task<protocol::resp_value> ask(const command& question, const context& ctx);
  /// Hands the connection on.
  std::shared_ptr<transport> succeed() noexcept { return attempt_.succeed(); }

 private:
  task<protocol::resp_value> hear(const context& ctx);

  coax::detail::dial_attempt attempt_;
  protocol::resp_parser parser_;
};

enum class role : unsigned char { any, master };

/// Connects, authenticates (RESP3 if the server has it, else RESP2), selects the database, and checks the role.
/// Everything within the time of the options. @throws system_error with a text that names the server.
task<std::shared_ptr<transport>> connect_server(std::shared_ptr<const connect_plan> plan, endpoint to, role needed,
                                                context ctx);

/// The same to a Sentinel.
task<std::shared_ptr<transport>> connect_sentinel(std::shared_ptr<const connect_plan> plan, endpoint to, context ctx);

/// What the Sentinels call the master, asked one after the other from `first` on; that which knew is the first to be
/// asked next. @throws system_error none of them knows.
task<endpoint> find_master(std::shared_ptr<const connect_plan> plan, std::shared_ptr<std::size_t> first, context ctx);

}  // namespace coax::redis
