#include "chat.hpp"

#include <chrono>

namespace json = boost::json;

namespace {

const std::string everybody = "everybody";

// Rooms have names that people choose: a level of its own for each, whatever is in it, so that none is a wildcard or
// another room's topic.
std::string topic_of(const std::string& room, std::string_view part) {
  std::string topic = "room/";
  for (const char c : room) {
    switch (c) {
      case '/': topic += "%2F"; break;
      case '%': topic += "%25"; break;
      case '+': topic += "%2B"; break;
      case '#': topic += "%23"; break;
      default: topic += c;
    }
  }
  return topic.append("/").append(part);
}

// What is said in a room is kept, for those who come later; who comes and goes is not.
constexpr std::size_t kept_messages = 200, shown_messages = 50;
constexpr std::chrono::hours kept_for{24};

json::object person(std::string_view id, std::string_view name) { return {{"id", id}, {"name", name}}; }

std::int64_t unix_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

// Who is too slow loses the oldest of what waits, and the page says so.
guest::guest(chat& c, coax::conn connection, std::string user, std::string resume)
    : chat_(c),
      peer_(
          c.hub().attach(std::move(connection), coax::peer_options()
                                                    .user(std::move(user))
                                                    .resumable(true)
                                                    .queue(coax::queue_limits().on_full(coax::overflow::drop_oldest)))),
      resume_(std::move(resume)),
      id_(c.node() + "-" + std::to_string(peer_.id())) {}

chat::chat(const coax::hub_options& options, std::string node)
    : hub_(options), node_(std::move(node)), started_(unix_milliseconds()) {}

guest::~guest() { chat_.leave(*this); }

void guest::tell(const json::object& message) { peer_.send_text(json::serialize(message)); }

void chat::enter(guest& g, std::string name, std::string room) {
  const std::lock_guard lock(mutex_);
  const bool moves = g.room_ != room;
  if (moves) {
    take_out(g);
    // What these tell is of the moment: who comes back is told anew.
    const auto now = coax::join_options().resumable(false);
    g.in_chat_ = g.peer_.join(everybody, now);
    g.in_room_ = g.peer_.join(topic_of(room, "people"), now);
    g.name_ = std::move(name);
    g.room_ = std::move(room);
    rooms_[g.room_].emplace(g.id_, g.name_);
    tell_room(g.room_, {{"type", "joined"}, {"who", person(g.id_, g.name_)}}, coax::publish_options().except(g.peer_));
  }
  g.tell({{"type", "welcome"},
          {"id", g.id_},
          {"name", g.name_},
          {"room", g.room_},
          {"people", people(g.room_)},
          {"rooms", count_rooms()},
          {"node", node_}});
  if (!moves) return;
  listen(g);
  changed();
}

// From where it was, if it comes back; otherwise from what was said last.
void chat::listen(guest& g) {
  const auto talk = topic_of(g.room_, "talk");
  const auto only_here = [&talk](std::string_view topic) {
    return topic == talk ? std::optional(coax::join_options()) : std::nullopt;
  };
  auto back = hub_.resume(g.peer_, std::exchange(g.resume_, {}), only_here);
  g.in_talk_ = back ? std::move(back.joined.front()) : g.peer_.join(talk, coax::join_options().recent(shown_messages));
}

void chat::rename(guest& g, std::string name) {
  const std::lock_guard lock(mutex_);
  const auto was = std::exchange(g.name_, std::move(name));
  rooms_[g.room_][g.id_] = g.name_;
  tell_room(g.room_, {{"type", "renamed"}, {"who", person(g.id_, g.name_)}, {"was", was}});
  changed();
}

void chat::say(const guest& g, std::string_view text) {
  // The page that comes back is told again what it has heard: the id tells.
  const auto id = node_ + "-" + std::to_string(started_) + "-" + std::to_string(++messages_);
  const json::object message{{"type", "message"}, {"id", id},        {"from", person(g.id_, g.name_)},
                             {"text", text},      {"room", g.room_}, {"at", unix_milliseconds()}};
  hub_.publish_text(topic_of(g.room_, "talk"), json::serialize(message),
                    coax::publish_options().history(kept_messages, kept_for));
}

void chat::leave(guest& g) {
  if (!g.has_entered()) return;
  const std::lock_guard lock(mutex_);
  take_out(g);
  changed();
}

void chat::take_out(guest& g) {
  if (!g.has_entered()) return;
  g.in_room_.leave();
  g.in_talk_.leave();
  const auto room = rooms_.find(std::exchange(g.room_, {}));
  room->second.erase(g.id_);
  tell_room(room->first, {{"type", "left"}, {"who", person(g.id_, g.name_)}});
  if (room->second.empty()) rooms_.erase(room);
}

// Framed once, however many are in the room.
void chat::tell_room(const std::string& room, json::object message, const coax::publish_options& to) {
  message["room"] = room;
  message["at"] = unix_milliseconds();
  hub_.publish_text(topic_of(room, "people"), json::serialize(message), to);
}

void chat::tell_rooms() {
  const json::object message{{"type", "rooms"}, {"rooms", count_rooms()}};
  hub_.publish_text(everybody, json::serialize(message));
}

void chat::changed() {
  if (on_people_) {
    json::object here;
    for (const auto& [room, who] : rooms_) {
      json::array list;
      for (const auto& [id, name] : who) list.push_back(person(id, name));
      here.emplace(room, std::move(list));
    }
    on_people_(here);
  }
  tell_rooms();
}

void chat::elsewhere(const std::string& node, const json::object& rooms) {
  room_map there;
  for (const auto& [room, people] : rooms)
    for (const auto& who : people.as_array())
      there[room].emplace(json::value_to<std::string>(who.at("id")), json::value_to<std::string>(who.at("name")));
  const std::lock_guard lock(mutex_);
  elsewhere_[node] = std::move(there);
}

// All other nodes notice, and each of them tells: pages do not mind.
void chat::forget(const std::string& node) {
  const std::lock_guard lock(mutex_);
  const auto gone = elsewhere_.extract(node);
  if (!gone) return;
  for (const auto& [room, who] : gone.mapped())
    for (const auto& [id, name] : who) tell_room(room, {{"type", "left"}, {"who", person(id, name)}});
  tell_rooms();
}

json::array chat::people(const std::string& room) const {
  json::array list;
  const auto add = [&list, &room](const room_map& rooms) {
    const auto found = rooms.find(room);
    if (found == rooms.end()) return;
    for (const auto& [id, name] : found->second) list.push_back(person(id, name));
  };
  add(rooms_);
  for (const auto& [node, rooms] : elsewhere_) add(rooms);
  return list;
}

json::array chat::count_rooms() const {
  std::map<std::string, std::size_t> counts;
  for (const auto& [room, who] : rooms_) counts[room] += who.size();
  for (const auto& [node, rooms] : elsewhere_)
    for (const auto& [room, who] : rooms) counts[room] += who.size();
  json::array list;
  for (const auto& [name, count] : counts) list.push_back({{"name", name}, {"count", count}});
  return list;
}

json::array chat::rooms() const {
  const std::lock_guard lock(mutex_);
  return count_rooms();
}
