# What a template starts with; runs are forked inside the call of fork.
# With a class that is there anyway: what is required here, a program that does not require it would find all the same.
File.open(File::NULL, 'w') do |null|
  $stdout = null
  puts 'hi'
  p({ a: [1, 2] })
  RubyVM::InstructionSequence.compile("begin; raise 'x'; rescue => e; e.message; end").eval
ensure
  $stdout = STDOUT
end
ENV.fetch('SANDPIT_PRELOAD', '').split(',').each do |name|
  threads = Dir.children('/proc/self/task').size
  begin
    require name
  rescue Exception => e # rubocop:disable Lint/RescueException
    $stderr.puts "preload #{name}: #{e.class}: #{e.message.lines.first}"
    exit! 1
  end
  next if Dir.children('/proc/self/task').size == threads

  $stderr.puts "preload #{name}: it starts threads, which a fork can't take along"
  exit! 1
end
# ERB, irb and eval find a program's variables by this constant: it is to be the binding of the program, not of this file. The first
# line of the program that is reached has it.
first_line = TracePoint.new(:line) do |point|
  first_line.disable
  Object.__send__(:remove_const, :TOPLEVEL_BINDING)
  Object.const_set(:TOPLEVEL_BINDING, point.binding)
end
loaded = TracePoint.new(:script_compiled) do |point|
  loaded.disable
  first_line.enable(target: point.instruction_sequence)
rescue ArgumentError
  nil # a program without a line
end
GC.start
exit! 1 if fork # in a template it comes back in each run, as in a child, and only there
words = File.open('/.sandpit/go', 'rb', &:read).split("\0", -1)[0...-1].map { |w| w.force_encoding(Encoding.default_external) }
path = words.shift
ARGV.replace(words)
$0 = path
srand
Random.srand
begin
  source = File.binread(path)
  if (at = source =~ /^__END__\r?\n/n)
    data = File.open(path)
    data.seek(at + $~[0].bytesize)
    Object.const_set(:DATA, data)
  end
rescue SystemCallError
  nil
end
source = data = at = words = nil
# As the error of a program that was started with its name: without the frames of this file.
tidy = lambda do |error|
  while error
    if error.backtrace
      error.set_backtrace(error.backtrace.reject { |line| line.start_with?("#{__FILE__}:") }
                               .map { |line| line.start_with?("#{path}:") ? line.sub('<top (required)>', '<main>') : line })
    end
    error = error.cause
  end
end
begin
  loaded.enable
  load path
rescue SystemExit, SignalException
  raise
rescue SyntaxError => e
  raise unless e.message.start_with?("#{path}:") && e.backtrace.first.start_with?("#{__FILE__}:")
  $stderr.puts e.message
  exit 1
rescue Exception => e
  tidy.call(e)
  raise e
end
