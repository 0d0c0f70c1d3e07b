// SPDX-License-Identifier: MIT
//
// All our works in one unit, as in a program that is one large file.
#include "awaits.cpp"
#include "bytes.cpp"
#include "chains.cpp"
#include "channels.cpp"
#include "dynamic_awaits.cpp"
#include "long_chains.cpp"
#include "main.cpp"
#include "nurseries.cpp"
#include "posts.cpp"
#include "scopes.cpp"
#include "scripted_echo.cpp"
#include "spawning.cpp"
#include "subtasks.cpp"
#include "switches.cpp"
#include "throwing.cpp"
#include "timers.cpp"
