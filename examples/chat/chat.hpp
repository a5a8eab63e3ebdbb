/// Who is where, and what they tell each other. The hub carries the messages; this knows the people.
#pragma once

#include <coax/hub.hpp>

#include <boost/json.hpp>

#include <atomic>
#include <functional>
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
  const std::string id_;
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
  /// @param options  with keys, which sign what pages resume with: the same for all nodes, and for the next run.
  /// @param node     this process, among those that share a broker.
  chat(const coax::hub_options& options, std::string node);

  void enter(guest& g, std::string name, std::string room);
  /// To another room; the same one is welcomed again.
  void move(guest& g, std::string room) { enter(g, g.name_, std::move(room)); }
  void rename(guest& g, std::string name);
  void say(const guest& g, std::string_view text);
  void leave(guest& g);

  /// Called with the people of this node by room, `{"lobby":[{"id":"n1-7","name":"Ada"}]}`, whenever they have changed,
  /// one call at a time; it must not call the chat. Set before the first guest comes.
  void on_people(std::function<void(const boost::json::object& rooms)> hook) { on_people_ = std::move(hook); }
  /// Those of another node, as it has told last.
  void elsewhere(const std::string& node, const boost::json::object& rooms);
  /// The node is gone without a farewell, and so are its people.
  void forget(const std::string& node);
  /// `{"name":"lobby","count":2}` for each room, over all nodes.
  boost::json::array rooms() const;
  const std::string& node() const noexcept { return node_; }

  /// The peers in the chat, for all who are to come and go.
  coax::hub& hub() noexcept { return hub_; }

 private:
  using names = std::map<std::string, std::string>;  // by id
  using room_map = std::map<std::string, names>;

  void listen(guest& g);
  void take_out(guest& g);
  void tell_room(const std::string& room, boost::json::object message, const coax::publish_options& to = {});
  void tell_rooms();
  void changed();
  boost::json::array people(const std::string& room) const;
  boost::json::array count_rooms() const;

  coax::hub hub_;
  const std::string node_;
  const std::int64_t started_;
  std::function<void(const boost::json::object&)> on_people_;
  std::atomic<std::uint64_t> messages_{0};
  mutable std::mutex mutex_;
  room_map rooms_;
  std::map<std::string, room_map> elsewhere_;  // by node
};
