"""What runs inside the sandbox: `keeper` starts the questions and watches them, `cells` runs the code of one."""
