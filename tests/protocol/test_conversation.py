"""What is said between a front end and the kernel when all is well."""

import queue
import time
import unittest

from client import Kernel

LOOP = 'println!("running"); let mut n = 0u64; loop { n = n.wrapping_add(1); }'


class Conversation(unittest.TestCase):
    """One kernel for all tests: none depends on what another has done."""

    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()
        cls.kernel.wait_for_the_index()

    @classmethod
    def tearDownClass(cls):
        cls.kernel.close()

    def tearDown(self):
        self.kernel.text("")  # Whatever a failed test has left in the channels.

    def test_kernel_info_says_what_this_is(self):
        for channel in ("shell", "control"):
            info = self.kernel.ask("kernel_info_request", channel=channel)
            self.assertEqual(info["status"], "ok")
            self.assertEqual(info["protocol_version"], "5.4")
            self.assertEqual(info["implementation"], "cvstudy")
            self.assertEqual(info["language_info"]["name"], "rust")
            self.assertEqual(info["language_info"]["file_extension"], ".rs")
            self.assertEqual(info["supported_features"], [])
            self.assertFalse(info["debugger"])
            self.assertTrue(info["banner"])

    def test_a_cell_is_broadcast_in_order(self):
        code = 'println!("one"); eprintln!("two"); display("three"); 40 + 2'
        header = self.kernel.execute(code)
        broadcasts = self.kernel.broadcasts(header)
        kinds = [message["msg_type"] for message in broadcasts]
        self.assertEqual(kinds[:2] + kinds[-2:], ["status", "execute_input", "execute_result", "status"])
        self.assertEqual(broadcasts[0]["content"], {"execution_state": "busy"})
        self.assertEqual(broadcasts[1]["content"]["code"], code)
        self.assertEqual(broadcasts[-2]["content"]["data"]["text/plain"], "42")
        self.assertEqual(kinds[-3], "display_data")
        said = {message["content"]["name"]: message["content"]["text"] for message in broadcasts[2:-3]}
        self.assertEqual(said, {"stdout": "one\n", "stderr": "two\n"})
        reply = self.kernel.reply(header)
        self.assertEqual(reply["content"]["status"], "ok")
        self.assertEqual(reply["content"]["execution_count"], broadcasts[1]["content"]["execution_count"])

    def test_the_parent_header_comes_back_whole(self):
        message = self.kernel.client.session.msg("kernel_info_request", {})
        message["header"]["a_field_of_tomorrow"] = {"x": [1, None]}
        self.kernel.client.shell_channel.send(message)
        reply = self.kernel.reply(message["header"])
        self.assertEqual(reply["parent_header"]["a_field_of_tomorrow"], {"x": [1, None]})
        self.assertEqual(reply["header"]["version"], "5.4")

    def test_text_is_live_and_raw(self):
        header = self.kernel.execute(
            'use std::io::Write; print!("50%\\r"); std::io::stdout().flush()?;'
            'std::thread::sleep(std::time::Duration::from_millis(1500)); println!("100%");'
        )
        self.assertEqual(self.kernel.wait_until_running(header), "50%\r")
        with self.assertRaises(queue.Empty):
            self.kernel.client.get_shell_msg(timeout=0.3)
        texts = [m["content"]["text"] for m in self.kernel.broadcasts(header) if m["msg_type"] == "stream"]
        self.assertEqual(texts, ["100%\n"])
        self.kernel.reply(header)

    def test_displays_are_updated_and_cleared(self):
        _, outputs = self.kernel.run(
            'display_with_id("d", "old"); update_display("d", "new"); clear_output(true); println!("x");'
        )
        kinds = [kind for kind, _ in outputs]
        self.assertEqual(kinds, ["display_data", "update_display_data", "clear_output", "stream"])
        shown, updated, cleared, _ = (content for _, content in outputs)
        self.assertEqual(shown["transient"], {"display_id": "d"})
        self.assertEqual(updated["transient"], {"display_id": "d"})
        self.assertEqual(updated["data"]["text/plain"], "new")
        self.assertEqual(cleared, {"wait": True})

    def test_every_failure_is_one_error(self):
        self.kernel.text("let kept = 5;")
        for name, code in [
            ("compiler", "let x: u32 = true;"),
            ("syntax", "let = ;"),
            ("panic", 'panic!("boom")'),
            ("question mark", 'std::fs::read("/no/such/file")?;'),
        ]:
            with self.subTest(name):
                reply, outputs = self.kernel.run(code)
                self.assertEqual(reply["status"], "error")
                [(kind, error)] = [output for output in outputs if output[0] != "stream"]
                self.assertEqual(kind, "error")
                for field in ("ename", "evalue", "traceback"):
                    self.assertTrue(error[field], field)
                    self.assertEqual(error[field], reply[field])
        self.assertEqual(self.kernel.text("kept"), "5")

    def test_an_error_aborts_what_waits(self):
        codes = ['println!("running"); std::thread::sleep(std::time::Duration::from_millis(500)); panic!("x")']
        codes += ['println!("never");'] * 2
        headers = [self.kernel.execute(code) for code in codes]
        replies = [self.kernel.reply(header)["content"] for header in headers]
        self.assertEqual([reply["status"] for reply in replies], ["error", "aborted", "aborted"])
        kinds = [message["msg_type"] for message in self.kernel.broadcasts(headers[2])]
        self.assertEqual(kinds, ["status", "status"])
        self.assertEqual(self.kernel.text("1 + 1"), "2")

    def test_without_stop_on_error_the_queue_goes_on(self):
        first = self.kernel.execute('panic!("x")', stop_on_error=False)
        second = self.kernel.execute("1")
        self.assertEqual(self.kernel.reply(first)["content"]["status"], "error")
        self.assertEqual(self.kernel.reply(second)["content"]["status"], "ok")

    def test_a_silent_cell_says_and_counts_nothing(self):
        before = self.kernel.run("1")[0]["execution_count"]
        header = self.kernel.execute('println!("x"); 7', silent=True)
        self.assertEqual([m["msg_type"] for m in self.kernel.broadcasts(header)], ["status", "status"])
        self.assertEqual(self.kernel.reply(header)["content"]["execution_count"], before)
        self.kernel.run("8", store_history=False)
        self.assertEqual(self.kernel.run("9")[0]["execution_count"], before + 1)

    def test_user_expressions_are_evaluated(self):
        self.kernel.text("let base = 20;")
        reply, _ = self.kernel.run("base + 1", user_expressions={"double": "base * 2", "wrong": "no_such"})
        double, wrong = reply["user_expressions"]["double"], reply["user_expressions"]["wrong"]
        self.assertEqual((double["status"], double["data"]["text/plain"]), ("ok", "40"))
        self.assertEqual(wrong["status"], "error")
        self.assertTrue(wrong["ename"])

    def test_an_interrupt_ends_an_endless_user_expression(self):
        self.kernel.text("let kept = 9;")
        header = self.kernel.execute("1", user_expressions={"a": "loop {}", "b": "kept"})
        while self.kernel.client.get_iopub_msg(timeout=60)["msg_type"] != "execute_result":
            pass
        for _ in range(100):
            self.kernel.interrupt()
            try:
                reply = self.kernel.reply(header, timeout=0.5)["content"]
                break
            except queue.Empty:
                continue  # It had not begun yet.
        else:
            self.fail("it goes on")
        self.assertEqual(reply["status"], "ok", "the cell itself had ended")
        answers = [reply["user_expressions"][name] for name in ("a", "b")]
        self.assertEqual([answer["ename"] for answer in answers], ["Interrupted"] * 2)
        self.assertEqual(self.kernel.text("kept"), "9")

    def test_a_widget_of_a_user_expression_is_open(self):
        header = self.kernel.execute("", user_expressions={"w": "slider(0..=3)"})
        [opened] = [m["content"] for m in self.kernel.broadcasts(header) if m["msg_type"] == "comm_open"]
        answer = self.kernel.reply(header)["content"]["user_expressions"]["w"]
        view = answer["data"]["application/vnd.jupyter.widget-view+json"]
        self.assertEqual(view["model_id"], opened["comm_id"])
        self.assertIn(opened["comm_id"], self.kernel.ask("comm_info_request")["comms"])

    def test_standard_error_of_a_line_for_the_shell_is_standard_error(self):
        _, outputs = self.kernel.run("!echo right; sleep 0.2; echo wrong >&2; sleep 0.2; echo right")
        said = [(content["name"], content["text"]) for _, content in outputs]
        self.assertEqual(said, [("stdout", "right\n"), ("stderr", "wrong\n"), ("stdout", "right\n")])

    def test_other_requests_are_answered_while_a_cell_runs(self):
        self.kernel.text("let picture_width = 3;")
        header = self.kernel.execute(LOOP)
        self.kernel.wait_until_running(header)
        began = time.monotonic()
        for kind, content in [
            ("complete_request", {"code": "picture_w", "cursor_pos": 9}),
            ("is_complete_request", {"code": "fn f() {"}),
            ("history_request", {"hist_access_type": "tail", "n": 1, "output": False, "raw": True}),
            ("inspect_request", {"code": "picture_width", "cursor_pos": 3, "detail_level": 0}),
            ("comm_info_request", {}),
            ("kernel_info_request", {}),
        ]:
            self.kernel.ask(kind, content)
        self.assertLess(time.monotonic() - began, 2)
        self.kernel.interrupt()
        states = [m["content"]["execution_state"] for m in self.kernel.broadcasts(header) if m["msg_type"] == "status"]
        self.assertEqual(states, ["busy"] * 7 + ["idle"], "each of the seven others ends with busy once more")
        self.assertEqual(self.kernel.reply(header)["content"]["status"], "error")

    def test_an_interrupt_stops_a_loop_and_keeps_the_variables(self):
        self.kernel.text("let kept = 6;")
        header = self.kernel.execute(LOOP)
        self.kernel.wait_until_running(header)
        began = time.monotonic()
        self.assertEqual(self.kernel.interrupt(), {"status": "ok"})
        reply = self.kernel.reply(header)["content"]
        self.assertLess(time.monotonic() - began, 1)
        self.assertEqual((reply["status"], reply["ename"]), ("error", "Interrupted"))
        self.assertEqual(self.kernel.text("kept"), "6")

    def test_an_interrupt_frees_the_kernel_of_a_sleeping_cell(self):
        self.kernel.text("let kept = 8;")
        header = self.kernel.execute('println!("asleep"); std::thread::sleep(std::time::Duration::from_secs(3600));')
        self.kernel.wait_until_running(header)
        self.kernel.interrupt()
        reply = self.kernel.reply(header, timeout=10)["content"]
        self.assertEqual((reply["status"], reply["ename"]), ("error", "Interrupted"))
        self.assertEqual(self.kernel.text("kept"), "8")

    def test_what_a_thread_prints_later_comes_under_its_cell(self):
        header = self.kernel.execute(
            "std::thread::spawn(|| { std::thread::sleep(std::time::Duration::from_millis(500));"
            'println!("late"); });'
        )
        self.kernel.reply(header)
        self.assertEqual(self.kernel.wait_until_running(header), "late\n")

    def test_an_interrupt_of_an_idle_kernel_does_no_harm(self):
        self.kernel.interrupt()
        self.assertEqual(self.kernel.text("let mut t = 0; for i in 0..10 { t += i } t"), "45")

    def test_a_cell_can_ask(self):
        header = self.kernel.execute('print!("before"); let name = input("name? "); name', allow_stdin=True)
        question = self.kernel.client.get_stdin_msg(timeout=60)
        self.assertEqual(question["content"], {"prompt": "name? ", "password": False})
        self.assertEqual(question["parent_header"]["msg_id"], header["msg_id"])
        self.assertEqual(self.kernel.wait_until_running(header), "before", "text before the question comes before it")
        self.kernel.client.input("Grete")
        [result] = [m for m in self.kernel.broadcasts(header) if m["msg_type"] == "execute_result"]
        self.assertIn("Grete", result["content"]["data"]["text/plain"])

    def test_a_cell_that_must_not_ask_fails(self):
        reply, _ = self.kernel.run('input("name? ")', allow_stdin=False)
        self.assertEqual(reply["status"], "error")

    def test_a_question_can_be_interrupted(self):
        header = self.kernel.execute('input("name? ")', allow_stdin=True)
        self.kernel.client.get_stdin_msg(timeout=60)
        self.kernel.interrupt()
        self.assertEqual(self.kernel.reply(header, timeout=5)["content"]["status"], "error")

    def test_is_complete(self):
        def status(code):
            return self.kernel.ask("is_complete_request", {"code": code})["status"]

        self.assertEqual(status("let x = 1;"), "complete")
        self.assertEqual(status("fn f() {"), "incomplete")
        self.assertEqual(status("let x = );"), "invalid")

    def test_completion_and_inspection_count_code_points(self):
        self.kernel.text("let größe_in_pixeln = 7;")
        code = '"😀"; größe_in'
        reply = self.kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})
        self.assertIn("größe_in_pixeln", reply["matches"])
        self.assertEqual((reply["cursor_start"], reply["cursor_end"]), (5, len(code)))
        reply = self.kernel.ask("inspect_request", {"code": code + "_pixeln", "cursor_pos": 7, "detail_level": 0})
        self.assertTrue(reply["found"])
        self.assertIn("i32", reply["data"]["text/plain"])

    def complete(self, code):
        return self.kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})

    def test_completion_says_kinds_and_declarations(self):
        self.kernel.text("let measured = vec![0.5, 0.25]; /// Half of it.\nfn half(x: f64) -> f64 { x / 2.0 }")
        reply = self.complete("half")
        [own] = reply["metadata"]["_jupyter_types_experimental"]
        self.assertEqual(own, {"text": "half", "type": "function", "start": 0, "end": 4,
                               "signature": "fn half(x: f64) -> f64"})
        self.assertIn("push", self.complete("measured.pu")["matches"], "methods by the type of a variable")
        self.assertEqual(self.complete("nothing_of_this_name.le")["matches"], [])
        self.assertEqual(self.complete('"imr')["matches"], [], "nothing inside a string")

    def test_inspection_has_two_depths_and_two_forms(self):
        def inspect(code, detail):
            content = {"code": code, "cursor_pos": len(code), "detail_level": detail}
            return self.kernel.ask("inspect_request", content)

        glance, all_of_it = inspect("Vec::push", 0), inspect("Vec::push", 1)
        for reply in (glance, all_of_it):
            self.assertTrue(reply["found"])
            self.assertIn("fn push(&mut self", reply["data"]["text/plain"])
            self.assertIn("```rust", reply["data"]["text/markdown"])
        self.assertNotIn("# Panics", glance["data"]["text/plain"])
        self.assertIn("# Panics", all_of_it["data"]["text/plain"])
        nothing = inspect("nothing_of_this_name", 0)
        self.assertEqual((nothing["status"], nothing["found"], nothing["data"]), ("ok", False, {}))

    def test_questions_are_answered_while_a_cell_runs(self):
        header = self.kernel.execute(LOOP)
        self.kernel.wait_until_running(header)
        self.assertIn("imread", self.complete("imrea")["matches"])
        self.assertTrue(self.kernel.ask("inspect_request", {"code": "imread", "cursor_pos": 6})["found"])
        self.assertEqual(self.kernel.ask("is_complete_request", {"code": "1"})["status"], "complete")
        newest = self.kernel.ask("history_request", {"hist_access_type": "tail", "n": 1})["history"]
        self.assertEqual(newest[0][2], LOOP)
        self.kernel.interrupt()
        self.kernel.reply(header)

    def test_a_question_mark_opens_a_page(self):
        reply, outputs = self.kernel.run("?Vec::push")
        [page] = reply["payload"]
        self.assertEqual((page["source"], outputs), ("page", []))
        self.assertIn("# Panics", page["data"]["text/plain"])
        reply, [(kind, error)] = self.kernel.run("?nothing_of_this_name")
        self.assertEqual((reply["status"], kind), ("error", "error"))
        self.assertIn("nothing_of_this_name", error["evalue"])

    def test_is_complete_says_how_far_to_indent(self):
        reply = self.kernel.ask("is_complete_request", {"code": "fn f() {\n    if true {"})
        self.assertEqual(reply, {"status": "incomplete", "indent": " " * 8})

    def test_history_has_tail_range_and_search(self):
        def history(**query):
            query = {"output": False, "raw": True, **query}
            return self.kernel.ask("history_request", query)["history"]

        first = self.kernel.run("let h1 = 1;")[0]["execution_count"]
        self.kernel.run("let h2 = 2;")
        self.assertEqual([entry[1:] for entry in history(hist_access_type="tail", n=2)],
                         [[first, "let h1 = 1;"], [first + 1, "let h2 = 2;"]])
        self.assertEqual([e[2] for e in history(hist_access_type="range", session=0, start=first, stop=first + 1)],
                         ["let h1 = 1;"])
        self.assertEqual([e[2] for e in history(hist_access_type="search", pattern="let h?*", n=1)], ["let h2 = 2;"])

    def test_what_is_unknown_is_answered(self):
        for kind in ("nonsense_request", "usage_request"):
            self.assertEqual(self.kernel.ask(kind)["status"], "error")
        self.assertEqual(self.kernel.ask("is_complete_request", {"code": 7})["status"], "error")
        reply = self.kernel.ask("debug_request", {"type": "request", "seq": 3, "command": "debugInfo"}, "control")
        self.assertEqual((reply["success"], reply["request_seq"]), (False, 3))


if __name__ == "__main__":
    unittest.main()
