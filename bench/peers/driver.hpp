// SPDX-License-Identifier: MIT
/*
 * What the C++ peers have in common: the arguments MODE TEMPLATE_DIR TEMPLATE RECORDS OUT, records as JSON lines read
 * with RapidJSON (numbers kept as they are written), and the modes render (data filled first, rendering timed), jsonl
 * (the whole job, to one file) and files (one file each).
 *
 * An Engine is made from the directory and the template's name. It has a type Data, `fill` (JSON to Data) and
 * `render` (Data to text, appended).
 */
#pragma once
#include <rapidjson/document.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using Json = rapidjson::Value;

inline std::string read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("cannot read " + path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

template <class Use> void each_record(const char *path, Use use) {
    std::vector<char> buffer(1 << 20);
    std::ifstream file;
    file.rdbuf()->pubsetbuf(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    file.open(path, std::ios::binary);
    if (!file)
        throw std::runtime_error(std::string("cannot read ") + path);
    std::string line;
    while (std::getline(file, line)) {
        rapidjson::Document document;
        document.Parse<rapidjson::kParseNumbersAsStringsFlag>(line.data(), line.size());
        if (document.HasParseError())
            throw std::runtime_error("a record is not JSON");
        use(document);
    }
}

struct Output {
    std::FILE *file;
    explicit Output(const std::string &path) : file(std::fopen(path.c_str(), "wb")) {
        if (!file)
            throw std::runtime_error("cannot write " + path);
    }
    ~Output() { std::fclose(file); }
    void put(const std::string &text) { std::fwrite(text.data(), 1, text.size(), file); }
};

template <class Engine> void time_rendering(Engine &engine, const char *records) {
    std::vector<std::unique_ptr<typename Engine::Data>> all;
    each_record(records, [&](const Json &record) { all.push_back(engine.fill(record)); });
    std::string text;
    size_t bytes = 0;
    auto started = std::chrono::steady_clock::now();
    for (auto &data : all) {
        text.clear();
        engine.render(*data, text);
        bytes += text.size();
    }
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
    std::printf("render: %zu records %.6f s (%zu bytes)\n", all.size(), seconds.count(), bytes);
}

template <class Engine> void write_files(Engine &engine, const char *records, const std::string &out) {
    char name[32];
    mkdir(out.c_str(), 0777);
    for (int i = 0; i < 100; i++) {
        std::snprintf(name, sizeof name, "/%02d", i);
        mkdir((out + name).c_str(), 0777);
    }
    std::string text;
    int i = 0;
    each_record(records, [&](const Json &record) {
        text.clear();
        engine.render(*engine.fill(record), text);
        i++;
        std::snprintf(name, sizeof name, "/%02d/%06d.txt", i % 100, i);
        Output(out + name).put(text);
    });
}

template <class Engine> int drive(int argc, char **argv) {
    if (argc != 6) {
        std::fprintf(stderr, "usage: %s MODE TEMPLATE_DIR TEMPLATE RECORDS OUT\n", argv[0]);
        return 2;
    }
    std::string mode = argv[1];
    const char *records = argv[4];
    try {
        Engine engine(argv[2], argv[3]);
        if (mode == "render") {
            time_rendering(engine, records);
        } else if (mode == "files") {
            write_files(engine, records, argv[5]);
        } else {
            Output out(argv[5]);
            std::string text;
            each_record(records, [&](const Json &record) {
                text.clear();
                engine.render(*engine.fill(record), text);
                out.put(text);
            });
        }
    } catch (const std::exception &e) {
        std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
        return 1;
    }
    return 0;
}
