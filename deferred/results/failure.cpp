// SPDX-License-Identifier: MIT
#include "deferred/results/failure.hpp"

#include <cxxabi.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "deferred/results/detail/failure_trace.hpp"
#include "deferred/results/detail/raised.hpp"
#include "deferred/results/errors.hpp"

namespace deferred {
namespace detail {

namespace {

// An exception that was caught or handed over; the payload is the exception object itself.
struct CapturedNode : FailureNode, Recycled {};

constexpr FailureOps captured_table{nullptr, nullptr, nullptr, [](FailureNode* node) noexcept {
                                      delete static_cast<CapturedNode*>(node);
                                    }};

// What an exception_ptr points to. Both standard libraries in use hold just that pointer.
const void* object_of(const std::exception_ptr& error) noexcept {
  static_assert(sizeof(std::exception_ptr) == sizeof(void*));
  const void* object = nullptr;
  std::memcpy(&object, &error, sizeof object);
  return object;
}

std::atomic<UnhandledFailureHook> unhandled_hook{nullptr};

// The failure where there is no memory for one: one a thread, never freed.
Failure out_of_memory() noexcept {
  using Node = FailureNodeOf<std::bad_alloc>;
  alignas(Node) static thread_local std::byte place[sizeof(Node)];
  static thread_local Node* node = nullptr;
  if (!node) {
    node = ::new (static_cast<void*>(place)) Node(std::bad_alloc(), SourceLocation());
    node->has_no_way = true;
  }
  ++node->refs;
  node->reported = false;
  return FailureNode::adopt(node);
}

template <class Whose>
void report(const Failure& failure, Whose&& whose) noexcept {
  try {
    if (const UnhandledFailureHook hook = unhandled_hook.load()) {
      std::string owner;  // empty, if there is no memory to name it
      try {
        owner = whose();
      } catch (const std::bad_alloc&) {
      }
      hook(failure, owner);
    } else {
      std::fprintf(stderr, "deferred: unhandled failure in %s: %s\n", whose().c_str(),
                   failure.report().c_str());
    }
  } catch (...) {
    std::fputs("deferred: unhandled failure, and no memory or hook to report it\n", stderr);
  }
}

}  // namespace

bool is_to_be_reported(const Failure& failure) noexcept {
  if (failure.check<Cancelled>()) return false;
  if (const auto* gone = failure.check<AbandonedError>(); gone && gone->by_closing()) return false;
  const FailureNode* const node = FailureNode::of(failure);
  return node && !node->known && !origin_of(*node).reported;
}

void set_reported(const Failure& failure) noexcept {
  origin_of(*FailureNode::of(failure)).reported = true;
}

void destroy_node(FailureNode* node) noexcept {
  if (node->trace) [[unlikely]]
    destroy_trace(node->trace);
  node->ops->destroy(node);
}

void FailureNode::set_known(Failure& failure) noexcept try {
  if (failure.node_->has_no_way) return;
  failure.own_trace();
  failure.node_->known = true;
} catch (...) {
  // Then it is reported twice.
}

std::exception_ptr handled_whole(const void* error, const std::type_info& type,
                                 const std::type_info& cut) {
  std::exception_ptr handled = std::current_exception();
  if (handled && object_of(handled) == error) return handled;
  throw std::logic_error("an error of the type " + demangled(type) + ", given as a " +
                         demangled(cut) +
                         "&, would be cut down to that: give it as what it is, or "
                         "the std::exception_ptr, or call this where it is being handled");
}

namespace {

void replace_all(std::string& text, std::string_view part, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += by.size()) {
    text.replace(at, part.size(), by);
  }
}

// The standard library's types as they are written, without what one leaves out.
void shorten(std::string& name) {
  for (const std::string_view extra : {", std::char_traits<", ", std::allocator<"}) {
    for (std::size_t at; (at = name.find(extra)) != std::string::npos;) {
      std::size_t end = at + extra.size();
      for (int depth = 1; depth > 0 && end < name.size(); ++end) {
        if (name[end] == '<') ++depth;
        if (name[end] == '>') --depth;
      }
      name.erase(at, end - at);
    }
  }
  replace_all(name, "std::__cxx11::", "std::");
  replace_all(name, "std::__1::", "std::");
  replace_all(name, " >", ">");
  replace_all(name, "std::basic_string<char>", "std::string");
  replace_all(name, "std::basic_string_view<char>", "std::string_view");
}

}  // namespace

std::string demangled(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  if (status != 0 || !name) return type.name();
  std::string text = name.get();
  shorten(text);
  return text;
}

const void* find_base(const FailureNode& node, const std::type_info& wanted) noexcept {
#if defined(__GLIBCXX__)
  void* object = const_cast<void*>(node.payload);
  return wanted.__do_catch(node.type, &object, 1) ? object : nullptr;
#else
  static_cast<void>(node);
  static_cast<void>(wanted);
  return nullptr;
#endif
}

Failure cancelled_failure() noexcept {
  try {
    return Failure(Cancelled{});
  } catch (...) {
    return out_of_memory();
  }
}

namespace {
bool claim(const Failure& failure) noexcept {
  const bool wanted = is_to_be_reported(failure);
  if (wanted) set_reported(failure);
  return wanted;
}
}  // namespace

void report_unhandled(const Failure& failure, const std::string& whose) noexcept {
  if (claim(failure)) report(failure, [&]() -> const std::string& { return whose; });
}
void report_unhandled(const Failure& failure, const char* whose) noexcept {
  if (claim(failure)) report(failure, [&] { return std::string(whose); });
}
void report_unhandled(const Failure& failure, SourceLocation made) noexcept {
  if (!claim(failure)) return;
  report(failure, [&] { return "the Deferred made at " + to_string(made); });
}
void report_unhandled(const Failure& failure, const std::type_info& result_type) noexcept {
  if (!claim(failure)) return;
  report(failure, [&] { return "a Deferred<" + demangled(result_type) + ">"; });
}

}  // namespace detail

UnhandledFailureHook set_unhandled_failure_hook(UnhandledFailureHook hook) noexcept {
  return detail::unhandled_hook.exchange(hook);
}

std::string to_string(const SourceLocation& where) {
  std::string file = where.file_name();
  if (file.empty()) return "an unknown place";
  if (const auto slash = file.find_last_of('/'); slash != std::string::npos) {
    file.erase(0, slash + 1);
  }
  // g++ writes the whole signature, and for coroutines a frame type: the name is what stands before
  // the first parenthesis, after the last blank. clang writes some names in parentheses.
  std::string function = where.function_name();
  constexpr std::string_view unnamed = "(anonymous namespace)";
  for (std::size_t at; (at = function.find(unnamed)) != std::string::npos;) {
    function.replace(at, unnamed.size(), "{anonymous}");
  }
  if (const auto paren = function.find('('); paren != std::string::npos) function.erase(paren);
  int depth = 0;
  for (std::size_t i = function.size(); i-- > 0;) {
    if (function[i] == '>') ++depth;
    if (function[i] == '<') --depth;
    if (function[i] == ' ' && depth == 0) {
      function.erase(0, i + 1);
      break;
    }
  }
  std::string text = file + ":" + std::to_string(where.line());
  if (!function.empty()) text += " in " + function;
  return text;
}

Failure Failure::from(std::exception_ptr error, SourceLocation where) noexcept try {
  if (!error) {
    return Failure(std::logic_error("Failure: no exception is being handled; "
                                    "call Failure::current() inside a catch block"),
                   where);
  }
  const void* const object = detail::object_of(error);
  if (object == detail::raised_object) {
    ++detail::raised->refs;
    return detail::FailureNode::adopt(detail::raised);
  }

  const std::type_info* type = nullptr;
  const std::exception* standard = nullptr;
#if defined(__GLIBCXX__)
  // libstdc++ tells the type and does the cast to the base without a rethrow (500 ns).
  type = error.__cxa_exception_type();
  void* base = const_cast<void*>(object);
  if (typeid(std::exception).__do_catch(type, &base, 1)) {
    standard = static_cast<const std::exception*>(base);
  }
#else
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& caught) {
    type = &typeid(caught);
    standard = &caught;
  } catch (...) {
    type = abi::__cxa_current_exception_type();
  }
#endif
  auto* node = new detail::CapturedNode;
  node->ops = &detail::captured_table;
  node->type = type;
  node->payload = object;
  node->standard = standard;
  node->thrown = std::move(error);
  node->made = where;
  return detail::FailureNode::adopt(node);
} catch (...) {
  return detail::out_of_memory();
}

Failure Failure::current(SourceLocation where) noexcept {
  return from(std::current_exception(), where);
}

std::exception_ptr Failure::to_exception_ptr() const {
  if (!node_) return nullptr;
  if (!node_->thrown) node_->thrown = node_->ops->capture(*node_);
  return node_->thrown;
}

void Failure::raise() const {
  std::exception_ptr error = to_exception_ptr();
  if (!error) throw std::logic_error("Failure::raise: this Failure holds no error");
  detail::keep_raised(*this, detail::object_of(error));
  std::rethrow_exception(std::move(error));
}

std::string Failure::type_name() const {
  return node_ ? detail::demangled(*node_->type) : std::string("no error");
}

std::string Failure::what() const {
  if (!node_) return "no error";
  if (node_->standard) return node_->standard->what();
  if (node_->ops->what) return node_->ops->what(*node_);
  if (const auto* cancelled = check<Cancelled>()) return cancelled->what();
  if (const auto* text = check<std::string>()) return *text;
  if (const auto* text = check<const char*>()) return *text;
  if (const auto* number = check<int>()) return std::to_string(*number);
  return type_name();
}

void Failure::take_whole(const void* error, const std::type_info& type, const std::type_info& cut,
                         SourceLocation where) {
  *this = from(detail::handled_whole(error, type, cut), where);
}

}  // namespace deferred
