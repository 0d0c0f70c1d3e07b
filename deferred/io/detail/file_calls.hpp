// SPDX-License-Identifier: MIT
//
// What files do in a thread: system calls that block, until all is done. `what`, such as
// "read /etc/motd", is of the std::system_error that they throw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "deferred/io/descriptor.hpp"

namespace deferred::io::detail {

/// Of errno.
[[noreturn]] void throw_file_error(const std::string& what);
/// Throws for a path with a NUL, of which the kernel would see the beginning only.
void require_path(const std::string& path, const std::string& what);

/// What has positions: not a directory, pipe or terminal, of which none keeps it waiting.
Descriptor open_file(const std::string& path, int flags, unsigned mode, const std::string& what);
/// At most `size` bytes, and fewer only at the end.
std::string read_from_file(const Descriptor& file, std::uint64_t offset, std::size_t size,
                           const std::string& what);
void write_to_file(const Descriptor& file, std::uint64_t offset, std::string_view bytes,
                   const std::string& what);
void append_to_file(const Descriptor& file, std::string_view bytes, const std::string& what);
std::uint64_t size_of_file(const Descriptor& file, const std::string& what);
void truncate_file(const Descriptor& file, std::uint64_t size, const std::string& what);
void sync_file(const Descriptor& file, const std::string& what);

/// See replace_file().
void replace_file_now(const std::string& path, const std::string& contents);

}  // namespace deferred::io::detail
