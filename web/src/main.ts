import "./ui/base.css";
import "./ui/controls.css";

import { startPage } from "./page/app.ts";

void startPage(document.body);
