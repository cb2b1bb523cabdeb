// Stories: people, the things they hold, the places they go to. Answers to questions and the last
// sentence follow from what happened, sometimes long before.
#include <algorithm>

#include "sim/model/corpus.hpp"

namespace nibble {
namespace {

using Words = std::vector<std::string>;

const Words people = {"Mira",  "Tom",   "Nan",   "Oskar",  "Lena",  "Pip",   "Ruth",  "Hugo",
                      "Ada",   "Bela",  "Cyril", "Dora",   "Emil",  "Frida", "Greta", "Igor",
                      "Jonas", "Karla", "Selma", "Viktor", "Wanda", "Yuri",  "Zoe",   "Quinn"};
const Words colours = {"red",    "blue",  "green",  "yellow", "white", "black",
                       "purple", "brown", "silver", "golden", "pink",  "grey"};
const Words things = {"kite",   "drum",    "lamp",    "ball",     "book",   "boat",
                      "key",    "hat",     "spoon",   "ring",     "violin", "basket",
                      "mirror", "blanket", "clock",   "ladder",   "bottle", "candle",
                      "map",    "rope",    "whistle", "umbrella", "coin",   "feather"};
const Words places = {"river",  "garden",  "market", "harbour", "forest", "station",
                      "school", "castle",  "bakery", "meadow",  "bridge", "library",
                      "tower",  "village", "island", "mill"};
const Words openings = {"One morning", "Long ago",      "On a rainy day", "Last summer",
                        "After lunch", "In the winter", "Before sunrise", "At midnight"};
const Words moods = {"happy",   "tired",  "proud",     "hungry",
                     "curious", "afraid", "surprised", "bored"};
const Words reasons = {"because the sun was shining",
                       "because it was late",
                       "because nobody had called",
                       "although it was cold",
                       "and sang a song",
                       "and laughed out loud",
                       "but said nothing",
                       "and thought about home"};

constexpr int most_events = 24;

/// `options` without those already taken.
Words without(const Words& options, const Words& taken) {
    Words left;
    for (const std::string& option : options) {
        if (std::find(taken.begin(), taken.end(), option) == taken.end()) {
            left.push_back(option);
        }
    }
    return left;
}

std::string pick_new(Writer& writer, const Words& options, const Words& taken) {
    const Words left = without(options, taken);
    return left[writer.pick(left)];
}

struct Story {
    Words who, what;                  // three people; three things with their colours
    std::vector<std::size_t> holder;  // by thing
    Words place;                      // by person
};

Words others(const Story& story, std::size_t person) {
    return without(story.who, {story.who[person]});
}

void give(Writer& writer, Story& story, std::size_t from) {
    Words held;
    std::vector<std::size_t> index;
    for (std::size_t t = 0; t < story.what.size(); ++t) {
        if (story.holder[t] == from) {
            held.push_back(story.what[t]);
            index.push_back(t);
        }
    }
    const std::size_t thing = index[writer.pick(held)];
    writer.say(" to ");
    const Words receivers = others(story, from);
    const std::string to = receivers[writer.pick(receivers)];
    writer.say(".");
    for (std::size_t p = 0; p < story.who.size(); ++p) {
        if (story.who[p] == to) {
            story.holder[thing] = p;
        }
    }
}

void go(Writer& writer, Story& story, std::size_t person) {
    story.place[person] = pick_new(writer, places, {story.place[person]});
    writer.say(".");
}

void feel(Writer& writer) {
    writer.pick(moods);
    writer.say(" ");
    writer.pick(reasons);
    writer.say(".");
}

void ask_holder(Writer& writer, const Story& story) {
    const std::size_t thing = writer.pick(story.what);
    writer.say("?\" asked ");
    const std::string& holder = story.who[story.holder[thing]];
    const Words askers = without(story.who, {holder});
    writer.pick(askers);
    writer.say(". \"" + holder + " has it.\"");
}

void ask_place(Writer& writer, const Story& story) {
    const std::size_t person = writer.pick(story.who);
    writer.say("?\" asked ");
    writer.pick(others(story, person));
    writer.say(". \"At the " + story.place[person] + ".\"");
}

/// One event, or the last sentence; false after the last.
bool event(Writer& writer, Story& story) {
    Words options = {"\nIn the end", "\n\"Who has the ", "\n\"Where is "};
    std::vector<double> weights = {1.4, 1, 1};
    for (std::size_t p = 0; p < story.who.size(); ++p) {
        const bool holds =
            std::find(story.holder.begin(), story.holder.end(), p) != story.holder.end();
        options.insert(options.end(),
                       {"\n" + story.who[p] + " gave the ", "\n" + story.who[p] + " went to the ",
                        "\n" + story.who[p] + " was "});
        weights.insert(weights.end(), {holds ? 0.9 : 0.0, 0.6, 0.4});
    }
    const std::size_t taken = writer.pick(options, weights);
    switch (taken) {
        case 0:
            return false;
        case 1:
            ask_holder(writer, story);
            return true;
        case 2:
            ask_place(writer, story);
            return true;
        default:
            break;
    }
    const std::size_t person = (taken - 3) / 3;
    switch ((taken - 3) % 3) {
        case 0:
            give(writer, story, person);
            break;
        case 1:
            go(writer, story, person);
            break;
        default:
            feel(writer);
            break;
    }
    return true;
}

}  // namespace

void write_story(Writer& writer) {
    Story story;
    writer.pick(openings);
    writer.say(", ");
    for (const char* after : {" and ", " met ", " at the "}) {
        story.who.push_back(pick_new(writer, people, story.who));
        writer.say(after);
    }
    story.place.assign(3, places[writer.pick(places)]);
    writer.say(".");
    Words seen;
    for (std::size_t p = 0; p < 3; ++p) {
        writer.say("\n" + story.who[p] + " had a ");
        const std::string colour = colours[writer.pick(colours)];
        writer.say(" ");
        seen.push_back(pick_new(writer, things, seen));
        writer.say(".");
        story.what.push_back(colour + " " + seen.back());
        story.holder.push_back(p);
    }
    int events = 0;
    while (events < most_events && event(writer, story)) {
        ++events;
    }
    if (events == most_events) {
        writer.say("\nIn the end");
    }
    for (std::size_t t = 0; t < 3; ++t) {
        writer.say((t == 0 ? " the " : ", the ") + story.what[t] + " was with " +
                   story.who[story.holder[t]]);
    }
    writer.say(".\n");
}

}  // namespace nibble
