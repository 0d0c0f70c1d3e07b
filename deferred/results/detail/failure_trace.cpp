// SPDX-License-Identifier: MIT
#include "deferred/results/detail/failure_trace.hpp"

#include <new>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/detail/raised.hpp"

namespace deferred {
namespace detail {
namespace {

// One reader's own way of an error that several have: a trace, and the error's first node.
struct WayNode : FailureNode, Recycled {
  explicit WayNode(const Failure& of) : error(of) {}
  Failure error;
};
constexpr FailureOps way_table{
    [](const FailureNode& node) {
      return static_cast<const WayNode&>(node).error.to_exception_ptr();
    },
    nullptr, [](const FailureNode& node) { return static_cast<const WayNode&>(node).error.what(); },
    [](FailureNode* node) noexcept { delete static_cast<WayNode*>(node); }};

std::string place_in(const FailureTrace::Entry& entry) {
  using Passed = Failure::Passed;
  if (entry.how == Passed::await) return "awaited at " + to_string(entry.where);
  if (entry.how == Passed::chain) return "passed the chain at " + to_string(entry.where);
  constexpr const char* names[] = {"all", "all_settled", "any", "race"};
  const auto which = static_cast<std::size_t>(entry.how) - static_cast<std::size_t>(Passed::all);
  const std::string text = "input #" + std::to_string(entry.input) + " of " + names[which];
  return entry.where.line() == 0 ? text : text + " at " + to_string(entry.where);
}

}  // namespace

const FailureNode& origin_of(const FailureNode& node) noexcept {
  return node.ops == &way_table ? *FailureNode::of(static_cast<const WayNode&>(node).error) : node;
}

void destroy_trace(FailureTrace* trace) noexcept {
  static constinit thread_local FailureTrace* to_go = nullptr;
  static constinit thread_local bool going = false;
  trace->next_to_go = std::exchange(to_go, trace);
  if (std::exchange(going, true)) return;
  while (FailureTrace* const next = to_go) {
    to_go = next->next_to_go;
    delete next;
  }
  going = false;
}

}  // namespace detail

std::string Failure::report() const {
  if (!node_) return "no error";
  std::string text;
  int most_suppressed = 30;
  append_report(text, "\n  ", most_suppressed);
  return text;
}

void Failure::append_report(std::string& text, const std::string& indent,
                            int& most_suppressed) const {
  text += type_name() + ": " + what();
  if (node_->made.line() != 0) text += indent + "made at " + to_string(node_->made);
  if (!node_->trace) return;
  const detail::FailureTrace& trace = *node_->trace;
  for (std::uint32_t i = 0; i < trace.kept; ++i) {
    text += indent + detail::place_in(trace.entries[i]);
  }
  if (trace.omitted) text += indent + "and " + std::to_string(trace.omitted) + " places more";
  std::uint64_t left = trace.suppressed.size() + trace.more_suppressed;
  for (const Failure& error : trace.suppressed) {
    if (most_suppressed == 0) break;  // of the whole report, however they are in each other
    --most_suppressed;
    --left;
    text += indent + "and suppressed ";
    error.append_report(text, indent + "  ", most_suppressed);
  }
  if (left) text += indent + "and suppressed " + std::to_string(left) + " errors more";
}

detail::FailureTrace& Failure::own_trace() {
  const unsigned kept = detail::raised == node_ ? 1 : 0;
  if (node_->refs > 1 + kept) {  // others have it too
    auto* const way = new detail::WayNode(
        node_->ops == &detail::way_table ? static_cast<detail::WayNode*>(node_)->error : *this);
    Failure own = detail::FailureNode::adopt(way);
    way->ops = &detail::way_table;
    way->type = node_->type;
    way->payload = node_->payload;
    way->standard = node_->standard;
    way->made = node_->made;
    way->known = node_->known;
    if (node_->trace) way->trace = new detail::FailureTrace(*node_->trace);
    *this = std::move(own);
  }
  if (!node_->trace) node_->trace = new detail::FailureTrace;
  return *node_->trace;
}

void Failure::passed(Passed how, SourceLocation where, std::uint32_t input) noexcept try {
  if (!node_ || node_->has_no_way) return;
  detail::FailureTrace& trace = own_trace();
  if (how == Passed::await) node_->known = false;  // it is somebody's again
  if (trace.kept < detail::FailureTrace::most) {
    trace.entries[trace.kept++] = {where, how, input};
  } else {
    ++trace.omitted;
  }
} catch (...) {
  // The error itself matters more than its trace.
}

std::vector<Failure> Failure::suppressed() const {
  if (!node_ || !node_->trace) return {};
  return node_->trace->suppressed;
}

void Failure::suppress(Failure error) noexcept {
  try {
    if (!node_ || node_->has_no_way) throw std::bad_alloc();
    if (error && &detail::origin_of(*node_) == &detail::origin_of(*error.node_)) return;
    detail::FailureTrace& trace = own_trace();
    if (trace.suppressed.size() < detail::FailureTrace::most) {
      trace.suppressed.push_back(error);
    } else {
      ++trace.more_suppressed;
    }
  } catch (...) {
    detail::report_unhandled(error, "what an earlier error has hidden");
  }
}

}  // namespace deferred
