/// Real Redis servers for tests: on free ports of the loopback, in a temporary directory each, killed at the end.
///
///     coax::test::redis_server redis;                       // up when the constructor returns
///     client c(ex, redis.url(), ...);
///     redis.ask({"CLIENT", "KILL", "TYPE", "pubsub"});
#pragma once

#include "support/temporary_directory.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace coax::test {

/// Whether there is what is started as Redis: redis-server, or what the variable COAX_REDIS_SERVER names, such as
/// valkey-server. Tests that need it are skipped if not.
bool has_redis();

/// A port that was free a moment ago.
std::uint16_t free_port();

/// `wait_until` for what a server is asked.
void eventually(const std::function<bool()>& condition, const std::string& what);

/// One process of Redis. Nothing is stored on disk unless `arguments` say so.
class redis_server {
 public:
  /// @param arguments  as on the command line: {"--requirepass", "secret"}. "{dir}" in them is the directory.
  explicit redis_server(std::vector<std::string> arguments = {});
  redis_server(const redis_server&) = delete;
  redis_server& operator=(const redis_server&) = delete;
  ~redis_server();

  /// TLS, with the certificate of `localhost_certificate`; and a plain port for `ask`.
  static std::unique_ptr<redis_server> with_tls();
  /// A Sentinel that watches `master` under the name "mymaster".
  static std::unique_ptr<redis_server> sentinel(const redis_server& master, unsigned quorum,
                                                std::chrono::milliseconds down_after = std::chrono::seconds(2));

  std::uint16_t port() const noexcept { return port_; }
  std::uint16_t tls_port() const noexcept { return tls_port_; }
  pid_t pid() const noexcept { return pid_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url() const { return "redis://" + address(); }
  std::string socket_path() const { return (dir_.path() / "redis.sock").string(); }
  const std::filesystem::path& directory() const noexcept { return dir_.path(); }

  /// Asks on a connection of its own, without credentials unless `login` has set them: the answer as text, the elements
  /// of aggregates one a line. @throws std::runtime_error it does not answer, or with an error.
  std::string ask(const std::vector<std::string>& command) const;
  void login(std::string user, std::string password) { user_ = std::move(user), password_ = std::move(password); }

  void freeze() const;    ///< SIGSTOP
  void unfreeze() const;  ///< SIGCONT
  void kill();            ///< SIGKILL, and waits for its end.
  void start();           ///< Again, at the same port and in the same directory.

 private:
  redis_server(std::vector<std::string> arguments, std::uint16_t tls_port, std::string config);

  bool try_start();
  bool answers() const;

  temporary_directory dir_;
  std::vector<std::string> arguments_;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  std::string config_;  // of a Sentinel, which rewrites it
  std::string user_;
  std::string password_;
  pid_t pid_ = -1;
};

/// A master with a replica, and three Sentinels that fail over when it has been silent for `down_after`.
class redis_sentinels {
 public:
  explicit redis_sentinels(std::chrono::milliseconds down_after = std::chrono::seconds(2));

  /// "redis://a,b,c?sentinel=mymaster"
  std::string url() const;
  redis_server& master() noexcept { return *servers_.front(); }
  redis_server& replica() noexcept { return *servers_.back(); }
  redis_server& sentinel(std::size_t i = 0) noexcept { return *sentinels_.at(i); }
  /// What the first Sentinel calls master: "127.0.0.1:port".
  std::string master_address() const;

 private:
  std::vector<std::unique_ptr<redis_server>> servers_;
  std::vector<std::unique_ptr<redis_server>> sentinels_;
};

/// Masters that share the slots evenly, and replicas in turn.
class redis_cluster {
 public:
  explicit redis_cluster(unsigned masters = 3, unsigned replicas = 0);

  /// "redis://a,b,c?cluster=1"
  std::string url() const;
  std::size_t size() const noexcept { return nodes_.size(); }
  redis_server& node(std::size_t i) noexcept { return *nodes_.at(i); }
  /// The index of the master that has the slot, as node `asked` sees it.
  std::size_t owner_of(std::uint16_t slot, std::size_t asked = 0) const;

  /// The steps of moving a slot. Between the first two, some of its keys may be here and some there (ASK).
  void begin_move(std::uint16_t slot, std::size_t from, std::size_t to);
  void move_keys(std::uint16_t slot, std::size_t from, std::size_t to);
  void end_move(std::uint16_t slot, std::size_t from, std::size_t to);

 private:
  struct owner {
    std::size_t node = 0;
    std::string epoch;
    bool operator==(const owner&) const = default;
  };

  std::string id(std::size_t i) const;
  owner seen(std::uint16_t slot, std::size_t asked) const;

  std::vector<std::unique_ptr<redis_server>> nodes_;
  unsigned masters_;
};

}  // namespace coax::test
