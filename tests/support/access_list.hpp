// SPDX-License-Identifier: MIT
//
// Access lists (POSIX) of files, where their file system has some.
#pragma once

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/types.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace deferred::testing {

inline constexpr const char* list_of_file = "system.posix_acl_access";
inline constexpr const char* list_of_new_files = "system.posix_acl_default";

/// An access list, as the kernel reads it: of the owner, a user, the group, all that are named, and
/// all others.
inline std::string access_list(unsigned owner, unsigned user, unsigned group, unsigned most,
                               unsigned others) {
  constexpr std::uint32_t somebody = 12345;
  const posix_acl_xattr_header header{POSIX_ACL_XATTR_VERSION};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  const auto add = [&](unsigned tag, unsigned rights, std::uint32_t id) {
    const posix_acl_xattr_entry entry{static_cast<std::uint16_t>(tag),
                                      static_cast<std::uint16_t>(rights), id};
    bytes.append(reinterpret_cast<const char*>(&entry), sizeof entry);
  };
  constexpr auto nobody_named = static_cast<std::uint32_t>(ACL_UNDEFINED_ID);
  add(ACL_USER_OBJ, owner, nobody_named);
  add(ACL_USER, user, somebody);
  add(ACL_GROUP_OBJ, group, nobody_named);
  add(ACL_MASK, most, nobody_named);
  add(ACL_OTHER, others, nobody_named);
  return bytes;
}
/// False where the file system has no such lists.
inline bool give(const std::string& path, const char* name, const std::string& list) {
  return ::setxattr(path.c_str(), name, list.data(), list.size(), 0) == 0;
}
inline std::string list_of(const std::string& path) {
  std::string list(1000, '\0');
  const ssize_t size = ::getxattr(path.c_str(), list_of_file, list.data(), list.size());
  list.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return list;
}

}  // namespace deferred::testing
