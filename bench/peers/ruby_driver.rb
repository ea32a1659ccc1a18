#!/usr/bin/env ruby
# SPDX-License-Identifier: MIT
# ruby_driver.rb ENGINE MODE TEMPLATE_DIR TEMPLATE RECORDS OUT
#   ENGINE  mustache liquid
#   MODE    render (records parsed first, rendering timed), jsonl (the whole job, to one file), files (one file each)
require 'fileutils'
require 'json'
engine, mode, directory, name, records, out = ARGV
Encoding.default_external = 'UTF-8'

def mustache(directory, name)
  require 'mustache'
  partials = {} # by default they are read anew at every use
  view = Class.new(Mustache)
  view.template_path = directory
  view.define_method(:partial) { |n| partials[n] ||= File.read("#{directory}/#{n}.mustache") }
  instance = view.new
  instance.template = File.read("#{directory}/#{name}")
  ->(record) { instance.render(record) }
end

def liquid(directory, name)
  require 'liquid'
  files = Object.new
  texts = {}
  files.define_singleton_method(:read_template_file) { |n| texts[n] ||= File.read("#{directory}/#{n}.liquid") }
  Liquid::Template.file_system = files
  template = Liquid::Template.parse(File.read("#{directory}/#{name}"))
  ->(record) { template.render!(record) }
end

render = engine == 'mustache' ? mustache(directory, name) : liquid(directory, name)
case mode
when 'render'
  all = File.foreach(records).map { |line| JSON.parse(line) }
  GC.start
  bytes = 0
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  all.each { |record| bytes += render.call(record).bytesize }
  seconds = Process.clock_gettime(Process::CLOCK_MONOTONIC) - started
  printf("render: %d records %.6f s (%d bytes)\n", all.size, seconds, bytes)
when 'jsonl'
  File.open(out, 'wb') { |o| File.foreach(records) { |line| o.write(render.call(JSON.parse(line))) } }
else
  100.times { |d| FileUtils.mkdir_p(format('%s/%02d', out, d)) }
  File.foreach(records).with_index(1) do |line, i|
    File.binwrite(format('%s/%02d/%06d.txt', out, i % 100, i), render.call(JSON.parse(line)))
  end
end
