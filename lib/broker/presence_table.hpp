/// Who is present in one topic.
#pragma once

#include "core/string_hash.hpp"
#include <coax/broker.hpp>

#include <unordered_map>

namespace coax::detail {

/// Users by their handles. An owner is whoever answers for a handle; only the last one that entered it can take it out.
class presence_table {
 public:
  using changes = std::vector<presence_change>;

  /// The changes, at most two: a handle may be taken over from another user.
  changes enter(presence_member who, const void* owner);
  changes leave(std::string_view handle, const void* owner);

  std::vector<present_user> users() const;
  bool empty() const noexcept { return users_.empty(); }

 private:
  struct present {
    presence_member who;
    const void* owner;
  };
  using handles = std::vector<present>;  // of a user, in the order they entered
  template <class T>
  using by_name = std::unordered_map<std::string, T, string_hash, std::equal_to<>>;

  void take_out(std::string_view handle, changes& told);

  by_name<handles> users_;
  by_name<std::string> user_of_;  // by handle
};

}  // namespace coax::detail
