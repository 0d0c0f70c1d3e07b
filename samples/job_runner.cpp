// SPDX-License-Identifier: MIT
//
// Shows: child processes with a limit each, four at once. A line of standard input is "SECONDS
// COMMAND", for a shell; jobs begin while lines still come. One that takes longer is ended, with
// all that it has started: by SIGTERM, and half a second later by SIGKILL. Ctrl-C ends all that
// run. Prints: in the order of the lines what each has written and how it has ended, as far as they
// got.
#include <deferred/deferred.hpp>
#include <deque>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

using namespace deferred;
using namespace std::chrono_literals;

struct Job {
  explicit Job(std::string text) : line(std::move(text)) {}
  std::string line;
  std::string output;
  std::string end = "not begun";
};

Task<> run_command(Job& job) {
  std::istringstream words(job.line);
  double seconds = 0;
  std::string command;
  if (!(words >> seconds) || !std::getline(words >> std::ws, command)) {
    throw std::invalid_argument("a line is SECONDS COMMAND");
  }
  io::RunOptions options;
  options.input = io::Standard::null;
  options.errors = io::Standard::inherit;
  options.grace = 500ms;
  Task<io::Completed> running = io::run({"/bin/sh", "-c", command}, options);
  io::Completed done =
      co_await with_timeout(std::chrono::duration<double>(seconds), std::move(running));
  job.output = std::move(done.output);
  job.end = done.exit.text();
}

Task<> run_job(Permit, Job& job) {
  job.end = "interrupted";
  try {
    co_await run_command(job);
  } catch (const TimeoutError&) {
    job.end = "took too long, and was ended";
  } catch (const std::exception& error) {
    job.end = error.what();
  }
}

Task<int> main_task() {
  std::deque<Job> jobs;  // keeps its elements where they are
  Semaphore places(4);
  const auto run_all = [&](Nursery& nursery) -> Task<> {
    io::Stream input = io::standard_input();
    for (auto line = co_await io::read_line(input); line; line = co_await io::read_line(input)) {
      Job& job = jobs.emplace_back(std::move(*line));
      Permit place = co_await places.acquire();
      nursery.spawn(run_job(std::move(place), job));
    }
  };
  try {
    co_await with_nursery(run_all);
  } catch (const Cancelled&) {  // by Ctrl-C: run() does that
    std::cout << "interrupted\n";
  }
  for (const Job& job : jobs)
    std::cout << job.line << '\n' << job.output << "  " << job.end << '\n';
  co_return 0;
}

int main() {
  Reactor reactor;
  return reactor.run(main_task());
}
