#include "chat.hpp"

#include <boost/asio/ip/host_name.hpp>

#include <chrono>

namespace json = boost::json;

namespace {

const std::string everybody = "everybody";

// Rooms have names that people choose: a prefix keeps them apart from other topics.
std::string topic_of(const std::string& room) { return "room/" + room; }

json::object person(std::uint64_t id, std::string_view name) { return {{"id", std::to_string(id)}, {"name", name}}; }

std::int64_t unix_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

guest::guest(chat& c, coax::conn connection) : chat_(c), peer_(c.hub().attach(std::move(connection))) {}

guest::~guest() { chat_.leave(*this); }

void guest::tell(const json::object& message) { peer_.send_text(json::serialize(message)); }

void chat::enter(guest& g, std::string name, std::string room) {
  const std::lock_guard lock(mutex_);
  const bool moves = g.room_ != room;
  if (moves) {
    take_out(g);
    g.in_chat_ = g.peer_.join(everybody);
    g.in_room_ = g.peer_.join(topic_of(room));
    g.name_ = std::move(name);
    g.room_ = std::move(room);
    rooms_[g.room_].emplace(g.peer_.id(), g.name_);
    tell_room(g.room_, {{"type", "joined"}, {"who", person(g.peer_.id(), g.name_)}},
              coax::publish_options().except(g.peer_));
  }
  g.tell({{"type", "welcome"},
          {"id", std::to_string(g.peer_.id())},
          {"name", g.name_},
          {"room", g.room_},
          {"people", people(rooms_[g.room_])},
          {"rooms", rooms()},
          {"node", boost::asio::ip::host_name()}});
  if (moves) tell_rooms();
}

void chat::rename(guest& g, std::string name) {
  const std::lock_guard lock(mutex_);
  const auto was = std::exchange(g.name_, std::move(name));
  rooms_[g.room_][g.peer_.id()] = g.name_;
  tell_room(g.room_, {{"type", "renamed"}, {"who", person(g.peer_.id(), g.name_)}, {"was", was}});
}

void chat::say(const guest& g, std::string_view text) {
  tell_room(g.room_, {{"type", "message"}, {"from", person(g.peer_.id(), g.name_)}, {"text", text}});
}

void chat::leave(guest& g) {
  if (!g.has_entered()) return;
  const std::lock_guard lock(mutex_);
  take_out(g);
  tell_rooms();
}

void chat::take_out(guest& g) {
  if (!g.has_entered()) return;
  g.in_room_.leave();
  const auto room = rooms_.find(std::exchange(g.room_, {}));
  room->second.erase(g.peer_.id());
  tell_room(room->first, {{"type", "left"}, {"who", person(g.peer_.id(), g.name_)}});
  if (room->second.empty()) rooms_.erase(room);
}

// Framed once, however many are in the room.
void chat::tell_room(const std::string& room, json::object message, const coax::publish_options& to) {
  message["room"] = room;
  message["at"] = unix_milliseconds();
  hub_.publish_text(topic_of(room), json::serialize(message), to);
}

void chat::tell_rooms() {
  const json::object message{{"type", "rooms"}, {"rooms", rooms()}};
  hub_.publish_text(everybody, json::serialize(message));
}

json::array chat::people(const names& in) const {
  json::array list;
  for (const auto& [id, name] : in) list.push_back(person(id, name));
  return list;
}

json::array chat::rooms() const {
  json::array list;
  for (const auto& [name, people] : rooms_) list.push_back({{"name", name}, {"count", people.size()}});
  return list;
}
