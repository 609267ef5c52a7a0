import { App } from "./page/app.ts";

void new App(document.body).start();
