#include "broker/presence_table.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace coax::detail {

presence_table::changes presence_table::enter(presence_member who, const void* owner) {
  changes told;
  const auto known = user_of_.find(who.handle());
  if (known != user_of_.end()) {
    if (known->second == who.user()) {
      auto& mine = users_.find(who.user())->second;
      std::erase_if(mine, [&](const present& p) { return p.who.handle() == who.handle(); });
      mine.push_back({std::move(who), owner});
      return told;
    }
    take_out(who.handle(), told);
  }
  user_of_.emplace(who.handle(), who.user());
  auto& mine = users_[who.user()];
  if (mine.empty()) told.push_back({presence_change::kind::joined, who.user(), who.data()});
  mine.push_back({std::move(who), owner});
  return told;
}

presence_table::changes presence_table::leave(std::string_view handle, const void* owner) {
  changes told;
  const auto known = user_of_.find(handle);
  if (known == user_of_.end()) return told;
  const auto& mine = users_.find(known->second)->second;
  const bool owned = std::any_of(mine.begin(), mine.end(),
                                 [&](const present& p) { return p.who.handle() == handle && p.owner == owner; });
  if (owned) take_out(handle, told);
  return told;
}

void presence_table::take_out(std::string_view handle, changes& told) {
  const auto known = user_of_.find(handle);
  const auto user = users_.find(known->second);
  auto& mine = user->second;
  const auto which = std::find_if(mine.begin(), mine.end(), [&](const present& p) { return p.who.handle() == handle; });
  if (mine.size() == 1) {
    told.push_back({presence_change::kind::left, user->first, which->who.data()});
    users_.erase(user);
  } else {
    mine.erase(which);
  }
  user_of_.erase(known);
}

std::vector<present_user> presence_table::users() const {
  std::vector<present_user> list;
  list.reserve(users_.size());
  for (const auto& [name, mine] : users_) list.push_back({name, mine.back().who.data(), mine.size()});
  return list;
}

}  // namespace coax::detail
