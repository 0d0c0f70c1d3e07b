// SPDX-License-Identifier: MIT
//
// A model of SharedDeferreds, over that of Deferreds: each has the one that it was made of, and a
// list of readers, which are Deferreds as any. Next: chains_in_model.cpp, which runs programs.
#pragma once

#include <deque>
#include <utility>

#include "tests/model/chains_model.hpp"

namespace deferred::model::plain {

class SharedModel final : public ChainsModel {
 public:
  Shared& share(Chain& chain) {
    Shared& shared = shared_.emplace_back();
    shared.source = &chain;
    shared.kept_by = 2;  // the handle, and the link that settles it
    const auto settles = [this, &shared](const Result& result) {
      settle_all(shared, result);
      return Given{value_of(0)};
    };
    chain.shared = &shared;
    add(chain, {[](const Result&) { return true; }, settles, &shared});
    drop_deferred(chain);
    return shared;
  }
  void settle_all(Shared& shared, const Result& result) {
    shared.result = result;
    while (!shared.readers.empty()) {
      shared.was_read = true;
      Chain& reader = *shared.readers.front();
      shared.readers.erase(shared.readers.begin());
      go_on(reader, *shared.result);
      drop_promise(reader);
    }
  }
  Chain& read(Shared& shared, Link link) {
    ++shared.kept_by;
    link.keeps = &shared;
    if (shared.result) {
      shared.was_read = true;
      return add(make_fired(*shared.result), std::move(link));
    }
    Chain& reader = make();
    reader.canceller = [this, &shared, &reader] {
      std::erase(shared.readers, &reader);
      drop_promise(reader);
      return Answer();
    };
    shared.readers.push_back(&reader);
    add(reader, std::move(link));
    return reader;
  }
  void let_go(Shared& shared) final {
    if (--shared.kept_by != 0 || !shared.result->error || shared.was_read) return;
    report(*shared.result->error);
  }

 private:
  std::deque<Shared> shared_;
};

}  // namespace deferred::model::plain
