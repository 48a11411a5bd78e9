"""Comms and widgets, with this client in the place of the page."""

import base64
import time
import unittest

from client import Kernel

PHOTO = "Image::from_tensor(&Tensor::full([3, 2, 4], 0.5, (Kind::Float, Device::Cpu)))?"


class Widgets(unittest.TestCase):
    """One kernel for all tests: none depends on what another has done."""

    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()

    @classmethod
    def tearDownClass(cls):
        cls.kernel.close()

    def run_messages(self, code):
        """The messages that a cell broadcasts, but for its status."""
        header = self.kernel.execute(code)
        broadcasts = self.kernel.broadcasts(header)
        reply = self.kernel.reply(header)["content"]
        self.assertEqual(reply["status"], "ok", reply)
        return [message for message in broadcasts if message["msg_type"] not in ("status", "execute_input")]

    def say(self, comm, data, kind="comm_msg", **fields):
        """Sends a message on a comm; returns what is broadcast because of it."""
        header = self.kernel.send(kind, {"comm_id": comm, "data": data, **fields})
        return [m for m in self.kernel.broadcasts(header) if m["msg_type"] != "status"]

    def set_value(self, comm, **state):
        return self.say(comm, {"method": "update", "state": state, "buffer_paths": []})

    def drawn(self, comm, **state):
        """What is drawn because a control has changed, and the message that brings it."""
        [update] = [m["content"] for m in self.set_value(comm, **state)]
        self.assertEqual(update["data"]["method"], "update")
        [output] = update["data"]["state"]["outputs"]
        self.assertEqual(output["output_type"], "display_data")
        return output["data"], update

    def open_widget(self, messages, model):
        """The comm that opens a widget of this model, and its state."""
        for message in messages:
            state = message["content"].get("data", {}).get("state", {})
            if message["msg_type"] == "comm_open" and state["_model_name"] == model:
                return message["content"]["comm_id"], state
        self.fail(f"no {model} in {[m['msg_type'] for m in messages]}")

    def test_interact_redraws_as_the_slider_moves(self):
        self.kernel.text('let unit = String::from("degrees");')
        messages = self.run_messages("interact(slider(0.0..=360.0), |angle| format!(\"{angle} {unit}\"))")
        comm, state = self.open_widget(messages, "FloatSliderModel")
        self.assertEqual((state["min"], state["max"], state["value"]), (0.0, 360.0, 0.0))
        opened = next(m for m in messages if m["msg_type"] == "comm_open")
        self.assertEqual(opened["content"]["target_name"], "jupyter.widget")
        self.assertEqual(opened["metadata"], {"version": "2.1.0"})
        place, state = self.open_widget(messages, "OutputModel")
        self.assertEqual(state["_model_module"], "@jupyter-widgets/output")
        self.assertEqual([output["data"] for output in state["outputs"]], [{"text/plain": '"0 degrees"'}])
        both, state = self.open_widget(messages, "VBoxModel")
        self.assertEqual(state["children"], [f"IPY_MODEL_{comm}", f"IPY_MODEL_{place}"])
        [view] = [m["content"]["data"] for m in messages if m["msg_type"] == "display_data"]
        self.assertEqual(view["application/vnd.jupyter.widget-view+json"]["model_id"], both)
        self.assertEqual(view["text/plain"], '"0 degrees"', "for who shows no widgets")
        drawn, update = self.drawn(comm, value=90.5)
        self.assertEqual((drawn["text/plain"], update["comm_id"]), ('"90.5 degrees"', place))
        self.assertEqual(self.kernel.text("unit"), '"degrees"', "the variable is still there")

    def test_a_picture_follows_several_controls(self):
        self.kernel.text(f"let photo = {PHOTO};")
        messages = self.run_messages(
            "interact((slider(1..=4).at(2), checkbox(\"grey\", false)), |(side, grey)| {\n"
            "    let small = photo.resize(side, side)?;\n"
            "    if grey { small.grayscale() } else { small }\n})"
        )
        slider, state = self.open_widget(messages, "IntSliderModel")
        self.assertEqual(state["max"], 4)
        checkbox, _ = self.open_widget(messages, "CheckboxModel")
        self.open_widget(messages, "VBoxModel")
        for changed in ({"comm": slider, "value": 3}, {"comm": checkbox, "value": True}):
            drawn, _ = self.drawn(changed["comm"], value=changed["value"])
            self.assertTrue(base64.b64decode(drawn["image/png"]).startswith(b"\x89PNG"))
        drawn, _ = self.drawn(slider, value=0)
        self.assertIn("VisionError", drawn["text/plain"], "a `?` is answered in the picture's place")

    def test_a_tensor_comes_along(self):
        self.kernel.text("let row = Tensor::from_slice(&[1i64, 2, 3]);")
        messages = self.run_messages("interact(slider(1i64..=3), |times| (&row * times).sum(Kind::Int64).int64_value(&[]))")
        comm, _ = self.open_widget(messages, "IntSliderModel")
        drawn, _ = self.drawn(comm, value=3)
        self.assertEqual(drawn["text/plain"], "18")
        self.assertEqual(self.kernel.text("row.size()[0]"), "3")

    def test_what_cannot_be_copied_is_said(self):
        reply, _ = self.kernel.run(
            "struct Own(i32); let own = Own(1); interact(slider(0..=1), |n| own.0 + n)"
        )
        self.assertEqual(reply["status"], "error")
        said = "\n".join(reply["traceback"])
        self.assertIn("cannot be copied into the closure", said)
        self.assertIn("move", said)

    def test_values_are_read_by_later_cells(self):
        messages = self.run_messages('let choice = dropdown(["sgd", "adam"]); let name = text_field("name", "a"); choice')
        comm, state = self.open_widget(messages, "DropdownModel")
        self.assertEqual(state["_options_labels"], ["sgd", "adam"])
        self.set_value(comm, index=1)
        self.assertEqual(self.kernel.text("choice.value()"), '"adam"')

    def test_clicks_run_between_cells(self):
        messages = self.run_messages('let more = button("more"); more.on_click(|| println!("clicked")); more')
        comm, _ = self.open_widget(messages, "ButtonModel")
        [stream] = self.say(comm, {"method": "custom", "content": {"event": "click"}})
        self.assertEqual(stream["content"], {"name": "stdout", "text": "clicked\n"})

    def test_a_handler_that_fails_or_never_ends_harms_nobody(self):
        messages = self.run_messages(
            'let bad = button("bad"); bad.on_click(|| panic!("boom"));'
            'let slow = button("slow"); slow.on_click(|| { println!("running"); loop { checkpoint(); } });'
        )
        buttons = [m["content"]["comm_id"] for m in messages if m["msg_type"] == "comm_open"]
        [error] = self.say(buttons[0], {"method": "custom", "content": {"event": "click"}})
        self.assertEqual((error["msg_type"], error["content"]["evalue"]), ("error", "boom"))
        header = self.kernel.send("comm_msg", {"comm_id": buttons[1], "data": {"method": "custom", "content": {"event": "click"}}})
        self.kernel.wait_until_running(header)
        self.kernel.interrupt()
        [error] = [m for m in self.kernel.broadcasts(header) if m["msg_type"] == "error"]
        self.assertEqual(error["content"]["ename"], "Interrupted")
        self.assertEqual(self.kernel.text("1 + 1"), "2")

    def test_bytes_travel_beside_the_json(self):
        messages = self.run_messages(f"let shown = widgets::picture(&{PHOTO}); shown")
        [opened] = [m for m in messages if m["msg_type"] == "comm_open"]
        self.assertEqual(opened["content"]["data"]["buffer_paths"], [["value"]])
        self.assertTrue(bytes(opened["buffers"][0]).startswith(b"\x89PNG"))

    def test_a_page_that_is_loaded_anew_finds_its_widgets(self):
        messages = self.run_messages("let wide = slider(0..=3); wide")
        comm, _ = self.open_widget(messages, "IntSliderModel")
        self.assertEqual(self.kernel.ask("comm_info_request", {"target_name": "jupyter.widget"})["comms"][comm],
                         {"target_name": "jupyter.widget"})
        self.say("control-1", {}, "comm_open", target_name="jupyter.widget.control")
        [states] = self.say("control-1", {"method": "request_states"})
        own = states["content"]["data"]["states"][comm]
        self.assertEqual((own["model_name"], own["state"]["max"]), ("IntSliderModel", 3))

    def test_a_comm_to_nobody_is_closed(self):
        [close] = self.say("stranger", {}, "comm_open", target_name="nobody.here")
        self.assertEqual((close["msg_type"], close["content"]["comm_id"]), ("comm_close", "stranger"))
        self.assertNotIn("stranger", self.kernel.ask("comm_info_request")["comms"])
        self.assertEqual(self.say("never opened", {"method": "update"}), [])

    def test_widgets_go_with_their_worker(self):
        kernel = Kernel()
        self.addCleanup(kernel.close)
        kernel.run("let gone = slider(0..=3);")
        [comm] = kernel.ask("comm_info_request")["comms"]
        _, outputs = kernel.run("std::process::abort()")
        self.assertIn(("comm_close", comm), [(kind, content.get("comm_id")) for kind, content in outputs])
        self.assertEqual(kernel.ask("comm_info_request")["comms"], {})

    def test_widgets_go_with_a_worker_that_dies_in_a_handler(self):
        kernel = Kernel()
        self.addCleanup(kernel.close)
        kernel.run('let bad = button("bad"); bad.on_click(|| std::process::abort()); bad')
        [comm] = kernel.ask("comm_info_request")["comms"]
        click = {"comm_id": comm, "data": {"method": "custom", "content": {"event": "click"}}}
        broadcasts = kernel.broadcasts(kernel.send("comm_msg", click))
        self.assertIn(("error", "WorkerDied"), [(m["msg_type"], m["content"].get("ename")) for m in broadcasts])
        self.assertIn(("comm_close", comm), [(m["msg_type"], m["content"].get("comm_id")) for m in broadcasts])
        self.assertEqual(kernel.ask("comm_info_request")["comms"], {})
        self.assertEqual(kernel.text("1 + 1"), "2")

    def test_a_handler_that_prints_too_much_says_so(self):
        messages = self.run_messages(
            'let loud = button("loud"); let page = "x".repeat(1_000_000);'
            'loud.on_click(move || for _ in 0..40 { println!("{page}"); });'
        )
        comm, _ = self.open_widget(messages, "ButtonModel")
        texts = [m["content"] for m in self.say(comm, {"method": "custom", "content": {"event": "click"}})]
        self.assertEqual(texts[-1]["name"], "stderr")
        self.assertIn("the rest was left out", texts[-1]["text"])

    def test_a_widget_that_is_closed_is_let_go(self):
        self.kernel.text(
            "use std::sync::Arc; let held = Arc::new(1); let (one, two) = (Arc::clone(&held), Arc::clone(&held));"
        )
        messages = self.run_messages(
            "let here = slider(0..=3); here.on_change(move |_| println!(\"{one}\"));"
            "interact(slider(0..=4), move |n| n + *two);"
        )
        comms = [m["content"]["comm_id"] for m in messages if m["msg_type"] == "comm_open"]
        self.assertEqual(self.kernel.text("Arc::strong_count(&held)"), "3")
        closed = self.run_messages("here.close(); here.close();")
        self.assertEqual([(m["msg_type"], m["content"]["comm_id"]) for m in closed], [("comm_close", comms[0])])
        self.assertEqual(self.kernel.text("Arc::strong_count(&held)"), "2")
        for comm in comms[1:]:
            self.say(comm, {}, "comm_close")
        self.assertEqual(self.kernel.text("Arc::strong_count(&held)"), "1")
        self.assertEqual(self.kernel.text("here.value()"), "0", "what it held last can still be read")
        open_now = self.kernel.ask("comm_info_request")["comms"]
        self.assertFalse(set(comms) & set(open_now))

    def test_a_bar_is_paced_and_ends_where_it_should(self):
        messages = self.run_messages('let bar = widgets::progress("n", 1_000_000); for i in 0..300_000 { bar.set(i); }')
        told = [m["content"]["data"]["state"] for m in messages if m["msg_type"] == "comm_msg"]
        self.assertLess(len(told), 3000)
        self.assertEqual(told[-1], {"value": 299_999})
        messages = self.run_messages("bar.set(1_000_000);")
        told = [m["content"]["data"]["state"] for m in messages]
        self.assertEqual(told, [{"value": 1_000_000}, {"bar_style": "success"}])

    def test_a_slider_that_is_dragged_does_not_fall_behind(self):
        messages = self.run_messages("interact(slider(0..=1000), |n| n)")
        comm, _ = self.open_widget(messages, "IntSliderModel")
        begin = time.monotonic()
        for value in range(1, 101):
            drawn, _ = self.drawn(comm, value=value)
            self.assertEqual(drawn["text/plain"], str(value))
        # Not a measurement: what waits for a clock somewhere takes ten times as long.
        self.assertLess(time.monotonic() - begin, 20)


if __name__ == "__main__":
    unittest.main()
