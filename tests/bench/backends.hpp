// SPDX-License-Identifier: MIT
//
// The backends that this build has, by name, for the works that are measured on each.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "deferred/reactor/backend.hpp"
#include "reactors/poll.hpp"
#ifdef WITH_EPOLL
#include "reactors/epoll.hpp"
#endif
#ifdef WITH_GLIB
#include "reactors/glib.hpp"
#endif
#ifdef WITH_UV
#include "reactors/uv.hpp"
#endif

namespace bench {

using MakeBackend = std::unique_ptr<deferred::Backend> (*)();

inline const std::map<std::string, MakeBackend> backends{
    {"poll", deferred::reactors::poll},
#ifdef WITH_EPOLL
    {"epoll", [] { return deferred::reactors::epoll(); }},
#endif
#ifdef WITH_GLIB
    {"glib", [] { return deferred::reactors::glib(); }},
#endif
#ifdef WITH_UV
    {"uv", [] { return deferred::reactors::uv(); }},
#endif
};

}  // namespace bench
