/// Who is present through this node, and whose nodes are dead.
#pragma once

#include "redis/redis_listener.hpp"
#include "redis/redis_site.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>

namespace coax::detail {

/// Members belong to the node's lease, which it renews. A lease that others have seen run out, or that Redis does not
/// know any more, never comes back: the node takes a new one and enters its members again. The members of a lease that
/// has run out are taken out by whichever node finds it.
///
/// Members are entered and left one by one; when something of that has failed, or Redis may have forgotten it, all
/// that should be there of a topic is said at once. All functions may be called from any thread.
class redis_presence {
 public:
  explicit redis_presence(redis_site& site);

  void enter(const std::shared_ptr<redis_listener>& who, std::string_view topic, presence_member member);
  void leave(const std::shared_ptr<redis_listener>& who, std::string_view topic, std::string_view handle);
  /// A session ends.
  void drop(const std::shared_ptr<redis_listener>& who);
  void members(std::string_view topic, std::shared_ptr<awaited<std::vector<present_user>>> done) const;

  /// Time to renew the lease.
  void renew();
  /// What was said may not have been heard: it is said again.
  void repeat();
  /// Ends the lease; `done` is called on the executor.
  void farewell(std::function<void()> done);
  void nodes(broker_session::reply<std::vector<redis_node>> done) const;

 private:
  struct member {
    std::uint64_t session;
    presence_member who;
  };
  using member_map = std::map<std::string, member, std::less<>>;  // by handle
  using topic_map = std::map<std::string, member_map, std::less<>>;

  // With the mutex held.
  redis::command change(std::string_view topic, std::string_view lease, std::string_view what) const;
  void add(redis::command& to, const member& m) const;
  std::string owner(std::uint64_t session) const { return lease_ + ":" + std::to_string(session); }
  void take_out(std::string_view topic, std::string_view handle, std::uint64_t session);
  void say_all();
  void say_all_of(const std::string& topic);
  void say(const std::string& topic, redis::command what);
  void new_lease();

  void on_renewed(const std::string& lease, const redis::value& v);
  void bury(const std::string& lease);
  std::string description() const;

  redis_site& site_;
  const std::int64_t started_;  // seconds since 1970
  mutable std::mutex mutex_;
  topic_map mine_;
  std::set<std::string> in_doubt_;  // topics of which something has not been heard
  std::string lease_;
  bool known_ = false;  // the lease, by Redis
};

}  // namespace coax::detail
