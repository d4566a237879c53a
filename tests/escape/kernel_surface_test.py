"""System calls that would work without a jail: each is tried in a way that harms nobody where it is allowed."""

import subprocess

from escape_case import Escape, finding


class KernelCalls(Escape):
    def test_loading_a_module(self):
        self.assert_attempt("load_module.c", needs="a kernel with modules")

    def test_loading_a_module_from_a_file(self):
        self.assert_attempt("load_module_file.c", needs="a kernel with modules")

    def test_loading_another_kernel(self):
        self.assert_attempt("replace_kernel.c", needs="a kernel with kexec")

    def test_restarting_the_host(self):
        self.assert_attempt("restart_host.c")

    def test_disk_quotas(self):
        self.assert_attempt("disk_quotas.c", needs="a kernel with quotas")

    def test_swap_space(self):
        self.assert_attempt("swap_on.c", needs="a kernel with swap")

    def test_process_accounting(self):
        self.assert_attempt("process_accounting.c", needs="a kernel with process accounting")

    def test_an_io_port(self):
        self.assert_attempt("port_io.c", needs="a kernel with ioperm")

    def test_all_io_ports(self):
        self.assert_attempt("io_privilege_level.c", needs="a kernel with iopl")

    def test_the_clock(self):
        self.assert_attempt("set_clock.c")

    def test_the_hosts_name(self):
        self.assert_attempt("change_host_name.c", within=["unshare", "--uts"])

    def test_segments_of_its_own(self):
        self.assert_attempt("local_descriptor_table.c", needs="a kernel with modify_ldt")

    def test_pages_given_to_a_pipe(self):
        self.assert_attempt("gift_pages.c")

    def test_a_filter_program_on_a_socket(self):
        self.assert_attempt("socket_filter.c")

    def test_kernel_aio(self):
        self.assert_attempt("kernel_aio.c", needs="a kernel with AIO")

    def test_a_denied_family_with_high_bits(self):
        self.assert_attempt("high_bits_of_socket.c")

    def test_a_denied_namespace_with_high_bits(self):
        self.assert_attempt("high_bits_of_clone.c")

    def test_clone3_past_the_filter(self):
        self.assert_attempt("clone3_past_the_filter.c")

    def test_merging_pages_with_others(self):
        self.assert_attempt("merge_pages.c")

    def test_a_map_of_bpf(self):
        self.assert_attempt("bpf_map.c", needs="a kernel with BPF")

    def test_a_counter_of_performance(self):
        self.assert_attempt("perf_counter.c", needs="a kernel with performance events")

    def test_handling_page_faults(self):
        self.assert_attempt("userfaultfd.c", needs="a kernel with userfaultfd")

    def test_an_io_uring(self):
        self.assert_attempt("io_uring.c", needs="a kernel with io_uring (sysctl kernel.io_uring_disabled)")

    def test_addresses_without_chance(self):
        self.assert_attempt("personality.c")

    def test_rare_protocols(self):
        self.assert_contained("rare_protocols.c", options=["--net", "host"])
        self.assert_attempt("rare_protocols.c", idle=["sctp"])  # a module that few kernels load

    def test_comparing_kernel_pointers(self):
        self.assert_attempt("compare_processes.c", needs="a kernel with kcmp")

    def test_a_filter_that_listens(self):
        self.assert_attempt("own_filter_listener.c")

    def test_memory_nodes(self):
        self.assert_attempt("move_pages_of_memory.c", needs="a kernel with NUMA")

    def test_the_page_cache_of_the_host(self):
        self.assert_attempt("page_cache_of_host.c", needs="cachestat (Linux 6.5)")

    def test_the_kernel_log(self):
        self.assert_attempt("read_kernel_log.c")


class KernelFiles(Escape):
    def test_an_overlay_over_usr(self):
        self.assert_attempt("overlay_mount.c", within=["unshare", "--mount"])

    def test_another_root(self):
        self.assert_attempt("pivot_root_out.c", within=["unshare", "--mount"])

    def test_opening_a_file_by_its_number(self):
        self.assert_attempt("open_by_handle.c", needs="a file system whose files have handles", error="not supported")

    def test_the_number_of_a_file(self):
        self.assert_attempt("handle_of_file.c", needs="a file system whose files have handles", error="not supported")

    def test_a_watch_by_fanotify(self):
        self.assert_attempt("watch_by_fanotify.c", needs="a kernel with fanotify")

    def test_a_watch_by_inotify(self):
        self.assert_attempt("watch_host_programs.c")

    def watched(self, *, options):
        """What the program says (all of it) that watches /usr/share while the host lists it."""
        watcher = self.background("watch_by_dnotify.c", "/usr/share", options=options)
        first = watcher.stdout.readline()
        if first == b"watching\n":
            subprocess.run(["ls", "/usr/share"], stdout=subprocess.DEVNULL, check=True)
        return (first + watcher.stdout.read()).decode()

    def test_a_watch_by_dnotify_is_real(self):
        self.assertEqual(self.verdict(self.watched(options=None)), "ESCAPED")

    def test_a_watch_by_dnotify(self):
        self.assert_verdict(self.watched(options=[]))
