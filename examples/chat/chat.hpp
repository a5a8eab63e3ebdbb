/// Who is where, and what they tell each other. The hub carries the messages; this knows the people.
#pragma once

#include <coax/hub.hpp>

#include <boost/json.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

class chat;

/// A person's connection: in no room before the first `chat::enter`. Destroying it leaves the chat.
class guest {
 public:
  /// @param user    who it is, as far as that is known: whoever comes back with what this connection is told.
  /// @param resume  what an earlier connection was told (docs/resume.md), for the first room that it enters.
  guest(chat& c, coax::conn connection, std::string user, std::string resume);
  guest(const guest&) = delete;
  guest& operator=(const guest&) = delete;
  ~guest();

  bool has_entered() const noexcept { return !room_.empty(); }
  coax::peer& peer() noexcept { return peer_; }
  void tell(const boost::json::object& message);

 private:
  friend class chat;

  chat& chat_;
  coax::peer peer_;
  coax::membership in_chat_;
  coax::membership in_room_;  // who comes and goes
  coax::membership in_talk_;
  std::string resume_;
  std::string name_;
  std::string room_;
};

/// The rooms: two topics of the hub each, one for what is said, which is kept, and one for who comes and goes; and one
/// topic for what concerns everybody.
///
/// From any thread. What changes who is in a room is told under one lock, in which nothing waits, because the hub never
/// does: so a welcome and the events that follow it fit together.
class chat {
 public:
  /// @param secret  signs what pages resume with: the same for all nodes, and for the next run.
  explicit chat(std::string secret);

  void enter(guest& g, std::string name, std::string room);
  /// To another room; the same one is welcomed again.
  void move(guest& g, std::string room) { enter(g, g.name_, std::move(room)); }
  void rename(guest& g, std::string name);
  void say(const guest& g, std::string_view text);
  void leave(guest& g);

  /// The peers in the chat, for all who are to come and go.
  coax::hub& hub() noexcept { return hub_; }

 private:
  using names = std::map<std::uint64_t, std::string>;

  void listen(guest& g);
  void take_out(guest& g);
  void tell_room(const std::string& room, boost::json::object message, const coax::publish_options& to = {});
  void tell_rooms();
  boost::json::array people(const names& in) const;
  boost::json::array rooms() const;

  coax::hub hub_;
  const std::int64_t started_;
  std::atomic<std::uint64_t> messages_{0};
  std::mutex mutex_;
  std::map<std::string, names> rooms_;
};
