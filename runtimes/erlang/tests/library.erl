%% What Erlang's standard library asks of the system; tools/measure_syscalls.py runs it.
-module(library).
-export([main/1]).

attempt(F) -> try F() catch _:_ -> none end.

main(_) ->
    ok = file:make_dir("d"), ok = file:write_file("d/a", <<"text">>), {ok, _} = file:read_file("d/a"),
    {ok, F} = file:open("d/a", [read, write, raw, binary]),
    attempt(fun() -> file:pread(F, 0, 2), file:pwrite(F, 0, <<"x">>), file:position(F, 1), file:sync(F), file:datasync(F), file:truncate(F), file:advise(F, 0, 1, normal), file:allocate(F, 0, 10), file:close(F) end),
    file:rename("d/a", "d/b"), file:make_link("d/b", "d/l"), file:make_symlink("b", "d/s"), file:read_link("d/s"), file:change_mode("d/b", 8#600), file:change_owner("d/b", 1000), file:change_time("d/b", {{2000, 1, 1}, {0, 0, 0}}), file:read_file_info("d/b"), file:read_link_info("d/s"), file:list_dir("d"), file:copy("d/b", "d/c"), file:get_cwd(), file:set_cwd("."),
    [file:delete("d/" ++ N) || N <- ["b", "l", "s", "c"]], file:del_dir("d"),
    attempt(fun() -> os:cmd("true") end), attempt(fun() -> P = open_port({spawn_executable, "/bin/cat"}, [binary]), P ! {self(), {command, <<"x">>}}, receive {P, _} -> ok after 500 -> ok end, port_close(P) end),
    attempt(fun() -> {ok, L} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}]), gen_tcp:close(L) end), attempt(fun() -> gen_tcp:connect("127.0.0.1", 1, [], 500) end),
    attempt(fun() -> {ok, U} = gen_udp:open(0), gen_udp:send(U, {127, 0, 0, 1}, 9, <<"x">>), gen_udp:close(U) end),
    attempt(fun() -> {ok, L} = gen_tcp:listen(0, [{ifaddr, {local, "socket"}}]), {ok, C} = gen_tcp:connect({local, "socket"}, 0, [], 500), {ok, A} = gen_tcp:accept(L, 500), gen_tcp:send(A, <<"x">>), gen_tcp:close(C), gen_tcp:close(L) end),
    attempt(fun() -> inet:getifaddrs() end), attempt(fun() -> inet:gethostbyname("localhost") end), attempt(fun() -> inet:gethostname() end),
    Self = self(), [spawn(fun() -> timer:sleep(1), Self ! done end) || _ <- [1, 2, 3]], receive done -> ok end,
    attempt(fun() -> crypto:strong_rand_bytes(3) end), rand:uniform(), erlang:garbage_collect(), os:getpid(), os:timestamp(), attempt(fun() -> os:set_signal(sigusr1, handle) end), erlang:system_info(logical_processors), erlang:memory(),
    io:format("done~n").
