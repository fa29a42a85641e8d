document.title = "Sample page";
