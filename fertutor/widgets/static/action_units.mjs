var mine=Math.random().toString(36).slice(2,8),serial=0,unique=stem=>`ft-${stem}-${mine}-${++serial}`;function fixed(value,digits=2){let text=value.toFixed(digits);return text.replace("-",Number(text)<0?"−":"")}var forBrowser=event=>event.ctrlKey||event.metaKey||event.altKey;function h(tag,properties={},...children){let element=document.createElement(tag);for(let[name,value]of Object.entries(properties))typeof value=="function"?element.addEventListener(name,value):value===!0?element.setAttribute(name,""):value!==!1&&value!=null&&element.setAttribute(name,value);return element.append(...children.filter(child=>child!=null)),element}function slider({label,min,max,step=1,value,format=String,input}){let id=unique("slider"),range=h("input",{type:"range",id,min,max,step}),output=h("output",{for:id,"aria-live":"off"}),say=()=>{output.textContent=format(Number(range.value)),range.setAttribute("aria-valuetext",output.textContent)};range.addEventListener("input",()=>{say(),input(Number(range.value))});let show=now=>{let beyond=round=>Number((round(now/step)*step).toFixed(6)),held=range.matches(":active, :focus");range.min=Math.min(held?range.min:min,beyond(steps=>Math.floor(steps+.5))),range.max=Math.max(held?range.max:max,beyond(steps=>Math.ceil(steps-.5))),range.value=now,say()};return show(value),{element:h("div",{class:"ft-slider"},h("label",{for:id},label),output,range),input:range,show}}function menu({label,options,value,input}){let id=unique("menu"),select=h("select",{id,change:()=>input(select.value)},...options.map(([key,text])=>h("option",{value:key},text)));select.value=value;let show=now=>{select.value=now};return{element:h("div",{class:"ft-field"},h("label",{for:id},label),select),select,show}}function networks(model){let names2=model.get("networks");if(names2.length<2)return{element:null,stop(){}};let{element,select,show}=menu({label:"Network",value:model.get("network"),options:names2.map(name=>[name,name]),input:value=>put(model,{network:value})}),stop=bind(model,"network",name=>{[...select.options].some(({value})=>value===name)||select.append(h("option",{value:name},name)),show(name)});return{element,stop}}function bind(model,name,show){let changed=()=>show(model.get(name));return model.on(`change:${name}`,changed),()=>model.off(`change:${name}`,changed)}function whenAgain(model,act){let hear=message=>message.kind==="again"&&act();return model.on("msg:custom",hear),()=>model.off("msg:custom",hear)}function put(model,values){for(let[name,value]of Object.entries(values))model.set(name,value);model.save_changes()}var expressions_default={names:["angry","disgust","fear","happy","sad","surprise","neutral","contempt"],colours:{angry:"#D55E00",disgust:"#009E73",fear:"#CC79A7",happy:"#E69F00",sad:"#0072B2",surprise:"#56B4E9",neutral:"#888888",contempt:"#A6761D"},units:[[1,"inner brow raiser"],[2,"outer brow raiser"],[4,"brow lowerer"],[5,"upper lid raiser"],[6,"cheek raiser"],[7,"lid tightener"],[9,"nose wrinkler"],[10,"upper lip raiser"],[12,"lip corner puller"],[15,"lip corner depressor"],[16,"lower lip depressor"],[17,"chin raiser"],[20,"lip stretcher"],[23,"lip tightener"],[24,"lip pressor"],[25,"lips part"],[26,"jaw drop"]],prototypes:{angry:[4,5,7,24],disgust:[4,10,17],fear:[1,2,4,5,20,25],happy:[6,12,25],sad:[1,4,15],surprise:[1,2,5,26],neutral:[]}};var names=count=>expressions_default.names.slice(0,count),percent=share=>`${(100*share).toFixed(share>.9995||share<5e-4?0:1)} %`,top=values=>values.reduce((best,value,i)=>value>values[best]?i:best,0);function makeRows(count){return names(count).map(name=>{let fill=h("span",{class:"ft-fill",style:`background:${expressions_default.colours[name]}`}),mark=h("span",{class:"ft-mark",hidden:!0}),number=h("span",{class:"ft-number"},"…");return{element:h("li",{class:"ft-bar"},h("span",{class:"ft-name"},name),h("span",{class:"ft-track","aria-hidden":"true"},fill,mark),number),fill,mark,number}})}function bars(label){let rows=makeRows(7),list=h("ul",{class:"ft-bars","aria-label":label},...rows.map(row=>row.element));function lay(count){rows=makeRows(count),list.replaceChildren(...rows.map(row=>row.element))}return{element:list,clear(){lay(rows.length),delete list.dataset.probabilities},show(probabilities,before=null){probabilities.length!==rows.length&&lay(probabilities.length);let best=top(probabilities);rows.forEach(({element,fill,mark,number},i)=>{element.classList.toggle("ft-top",i===best),fill.style.width=`${100*probabilities[i]}%`,number.textContent=percent(probabilities[i]),mark.hidden=!before,before&&(mark.style.left=`${100*before[i]}%`)}),list.dataset.probabilities=probabilities.map(p=>p.toFixed(6)).join(" ")}}}var style_default=`/* One stylesheet for all widgets, in JupyterLab, Colab, VS Code and the book, light and dark. */
.ft {
  --ft-ink: #1d2530;
  --ft-muted: #566070;
  --ft-line: #d5dae1;
  --ft-surface: #ffffff;
  --ft-raised: #f3f5f8;
  --ft-accent: #1f5fae;
  --ft-on-accent: #ffffff;
  --ft-focus: #c2410c;
  --ft-warm: 213, 94, 0;
  --ft-cool: 0, 114, 178;
  box-sizing: border-box;
  container-type: inline-size;
  max-width: 60rem;
  margin: 0.5rem 0 1.25rem;
  padding: 1rem;
  border: 1px solid var(--ft-line);
  border-radius: 0.75rem;
  background: var(--ft-surface);
  color: var(--ft-ink);
  font: 0.9375rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
html[data-theme="dark"] .ft,
body[data-jp-theme-light="false"] .ft,
body.vscode-dark .ft,
html[theme="dark"] .ft {
  --ft-ink: #e6eaf0;
  --ft-muted: #a3adbb;
  --ft-line: #3a4350;
  --ft-surface: #171c23;
  --ft-raised: #222933;
  --ft-accent: #7cb0f2;
  --ft-on-accent: #10151c;
  --ft-focus: #fb923c;
  --ft-warm: 255, 138, 52;
  --ft-cool: 86, 180, 233;
}
.ft *, .ft *::before, .ft *::after { box-sizing: border-box; }
.ft [hidden] { display: none !important; }
.ft p { margin: 0; }
.ft .ft-title { margin: 0 0 0.125rem; font-size: 1.0625rem; font-weight: 650; line-height: 1.3; color: inherit; }
.ft .ft-lead { margin: 0 0 0.75rem; color: var(--ft-muted); }
.ft .ft-note { color: var(--ft-muted); font-size: 0.8125rem; }
.ft [role="status"] { min-height: 1.45em; } /* so that the page does not jump when it says something */
.ft .ft-row { display: flex; flex-wrap: wrap; gap: 0.5rem 0.75rem; align-items: center; }
.ft .ft-main { display: grid; gap: 1rem 1.5rem; grid-template-columns: minmax(0, 1fr); }
@container (min-width: 36rem) {
  .ft .ft-main { grid-template-columns: minmax(0, 20rem) minmax(0, 1fr); }
  .ft .ft-main.ft-wide { grid-template-columns: minmax(0, 26rem) minmax(0, 1fr); }
  .ft .ft-main.ft-pair { grid-template-columns: minmax(0, 1fr); } /* two pictures leave the bars no room */
}
@container (min-width: 46rem) {
  .ft .ft-main.ft-pair { grid-template-columns: minmax(0, 26rem) minmax(0, 1fr); }
}
.ft .ft-stack { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.75rem; align-content: start; min-width: 0; }
.ft .ft-group { margin: 0; padding: 0; border: 0; min-width: 0; }
.ft .ft-group > legend { padding: 0; margin: 0 0 0.25rem; font-size: 0.8125rem; font-weight: 600; color: var(--ft-muted); float: none; width: auto; }

/* pictures */
.ft .ft-stage { position: relative; width: 100%; aspect-ratio: 1; border-radius: 0.5rem; overflow: hidden; background: var(--ft-raised); touch-action: pan-y; }
.ft .ft-stage canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
.ft .ft-stage[tabindex] { cursor: crosshair; }
.ft .ft-thumbs { display: flex; flex-wrap: wrap; gap: 0.375rem; }
.ft .ft-thumb { position: relative; width: 3.25rem; cursor: pointer; }
.ft .ft-thumb input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: pointer; }
.ft .ft-thumb canvas { display: block; width: 3.25rem; height: 3.25rem; border-radius: 0.375rem; outline: 1px solid var(--ft-line); }
.ft .ft-thumb span { display: block; font-size: 0.75rem; text-align: center; color: var(--ft-muted); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.ft .ft-thumb input:checked + canvas { outline: 3px solid var(--ft-accent); }
.ft .ft-thumb input:checked ~ span { color: var(--ft-ink); font-weight: 600; }

/* controls */
.ft .ft-slider { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 0.5rem; align-items: baseline; }
.ft .ft-slider label { font-size: 0.875rem; }
.ft .ft-slider output { font-variant-numeric: tabular-nums; font-size: 0.875rem; color: var(--ft-muted); }
.ft .ft-slider input[type="range"] { grid-column: 1 / -1; width: 100%; height: 1.5rem; margin: 0; accent-color: var(--ft-accent); cursor: pointer; }
.ft button, .ft select {
  font: inherit; font-size: 0.875rem; line-height: 1.3; min-height: 2.125rem; padding: 0.3125rem 0.75rem;
  border: 1px solid var(--ft-line); border-radius: 0.4375rem; background: var(--ft-raised); color: var(--ft-ink); cursor: pointer;
}
.ft button:hover { border-color: var(--ft-accent); }
.ft button:disabled { opacity: 0.5; cursor: default; }
.ft button[aria-pressed="true"], .ft button.ft-primary { background: var(--ft-accent); border-color: var(--ft-accent); color: var(--ft-on-accent); }
.ft .ft-choice { display: inline-flex; flex-wrap: wrap; border: 1px solid var(--ft-line); border-radius: 0.4375rem; background: var(--ft-raised); }
.ft .ft-choice label { border-radius: 0.375rem; flex: 1 0 auto; text-align: center; position: relative; padding: 0.3125rem 0.75rem; font-size: 0.875rem; cursor: pointer; margin: 0; }
.ft .ft-choice input { position: absolute; inset: 0; margin: 0; opacity: 0; cursor: pointer; }
.ft .ft-choice label:has(:checked) { background: var(--ft-accent); color: var(--ft-on-accent); }
.ft .ft-choice label:has(:focus-visible), .ft .ft-thumb input:focus-visible + canvas,
.ft button:focus-visible, .ft select:focus-visible, .ft [tabindex]:focus-visible, .ft input[type="range"]:focus-visible {
  outline: 3px solid var(--ft-focus); outline-offset: 1px;
}
.ft .ft-choice label:has(:focus-visible) { z-index: 1; } /* above its neighbours */
.ft .ft-crop:focus-visible { outline-offset: -3px; } /* the box may fill its frame, which cuts off what is outside */
.ft .ft-field { display: flex; gap: 0.5rem; align-items: center; font-size: 0.875rem; }
.ft .ft-field select { min-width: 0; }

/* probabilities */
.ft .ft-bars { display: grid; gap: 0.3125rem; margin: 0; padding: 0; list-style: none; }
.ft .ft-bar { display: grid; grid-template-columns: 4.5rem minmax(0, 1fr) 3.75rem; gap: 0.5rem; align-items: center; margin: 0; }
.ft .ft-bar .ft-track { position: relative; height: 0.9375rem; border-radius: 0.25rem; background: var(--ft-raised); overflow: hidden; }
.ft .ft-bar .ft-fill { position: absolute; inset: 0 auto 0 0; border-radius: 0.25rem; transition: width 90ms linear; }
.ft .ft-bar .ft-mark { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: var(--ft-ink); }
.ft .ft-bar .ft-number { white-space: nowrap; text-align: right; font-variant-numeric: tabular-nums; }
.ft .ft-bar.ft-top .ft-name, .ft .ft-bar.ft-top .ft-number { font-weight: 700; }
@media (prefers-reduced-motion: reduce) { .ft .ft-fill { transition: none; } }

.ft .ft-scale { display: grid; grid-template-columns: auto minmax(3rem, 1fr) auto; gap: 0.5rem; align-items: center; font-size: 0.8125rem; font-variant-numeric: tabular-nums; color: var(--ft-muted); }
.ft .ft-scale .ft-ramp { height: 0.625rem; border-radius: 0.3125rem; border: 1px solid var(--ft-line); }
.ft .ft-progress { height: 3px; border-radius: 2px; background: transparent; overflow: hidden; }
.ft .ft-progress > span { display: block; height: 100%; width: 0; background: var(--ft-accent); }

/* own photo */
.ft .ft-photo { display: grid; gap: 0.5rem; padding: 0.75rem; border: 1px dashed var(--ft-line); border-radius: 0.5rem; }
.ft .ft-photo .ft-frame { position: relative; overflow: hidden; }
.ft .ft-photo .ft-frame canvas, .ft .ft-photo video { display: block; width: 100%; border-radius: 0.375rem; }
.ft .ft-photo .ft-crop { position: absolute; border: 2px solid #fff; box-shadow: 0 0 0 2px #000, 0 0 0 9999px rgb(0 0 0 / 45%); cursor: move; touch-action: none; }
.ft.ft-over { outline: 3px dashed var(--ft-accent); }
.ft .ft-visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

/* confusion matrix */
.ft table.ft-matrix { border-collapse: separate; border-spacing: 2px; font-size: 0.8125rem; width: auto; margin: 0; display: table; }
.ft table.ft-matrix th, .ft table.ft-matrix td { padding: 0; border: 0; background: none; text-align: center; color: inherit; }
.ft table.ft-matrix th { padding: 0 0.25rem; font-weight: 600; color: var(--ft-muted); }
.ft table.ft-matrix thead th { vertical-align: bottom; padding: 0.25rem 0; }
.ft table.ft-matrix thead span { display: inline-block; writing-mode: vertical-rl; transform: rotate(180deg); } /* of the words: Safari does not turn a cell */
.ft table.ft-matrix tbody th { text-align: right; }
.ft table.ft-matrix button { width: 2.625rem; min-height: 2.25rem; padding: 0; font-size: 0.8125rem; font-variant-numeric: tabular-nums; border-radius: 0.25rem; }
.ft table.ft-matrix button[aria-pressed="true"] { color: var(--ft-ink); box-shadow: inset 0 0 0 2px var(--ft-ink); }
@container (max-width: 24rem) { /* a phone: the whole matrix is seen at once */
  .ft table.ft-matrix { border-spacing: 1px; width: 100%; font-size: 0.75rem; }
  .ft table.ft-matrix tbody th { padding: 0 0.125rem; }
  .ft table.ft-matrix button { width: 100%; min-width: 1.75rem; font-size: 0.75rem; }
}

@media (forced-colors: active) { /* colours that mean something stay; a choice is the system's */
  .ft .ft-fill, .ft .ft-mark, .ft .ft-ramp, .ft .ft-progress > span { forced-color-adjust: none; }
  .ft .ft-track { border: 1px solid CanvasText; }
  .ft .ft-choice label:has(:checked), .ft button[aria-pressed="true"] { forced-color-adjust: none; background: Highlight !important; color: HighlightText !important; }
  .ft .ft-thumb input:checked + canvas { outline-color: Highlight; }
}
`;function turns(post){let asked=new Map,held=new Map,serial2=0;function send(question,bytes2,answer,late){let id=++serial2;asked.set(question.kind,{id,network:question.network,answer,late,heard:!1}),held.delete(question.kind),post({...question,id},bytes2)}return{ask(question,bytes2,answer,late=!1){let open=asked.get(question.kind);open&&!open.heard&&open.network===question.network?held.set(question.kind,[question,bytes2,answer,late]):send(question,bytes2,answer,late)},hear(message,buffers){let open=asked.get(message.kind);if(open?.id!==message.id)return;open.heard=!0;let next=held.get(message.kind);next&&send(...next),(!next||open.late)&&open.answer(message,buffers)},fail(error){held.clear();for(let open of asked.values())open.heard=!0,open.answer({error},[])}}}var random=()=>crypto.getRandomValues(new Uint32Array(2)).join("-");function kernel(model){let view=random(),{ask,hear}=turns((question,bytes2)=>model.send({...question,view},void 0,bytes2.map(array=>array.slice().buffer))),listen=(message,buffers)=>message.view===view&&hear(message,buffers.map(bytesOf));return model.on("msg:custom",listen),{ask,close:()=>model.off("msg:custom",listen)}}var bytesOf=view=>new Uint8Array(view.buffer.slice(view.byteOffset??0,(view.byteOffset??0)+view.byteLength));function bytes(model,name){let value=model.get(name);return value?bytesOf(value):new Uint8Array}var floats=array=>new Float32Array(array.buffer,array.byteOffset,array.byteLength/4);function addStyle(root){let place=root instanceof ShadowRoot?root:document.head;place.querySelector("style[data-fertutor-style]")||place.append(h("style",{"data-fertutor-style":!0},style_default))}function whenShown(card,draw){let size=new ResizeObserver(draw);size.observe(card);let dark=new MutationObserver(draw),names2=["data-theme","theme","data-jp-theme-light","class"];for(let root of[document.documentElement,document.body])dark.observe(root,{attributes:!0,attributeFilter:names2});return()=>{size.disconnect(),dark.disconnect()}}function frame({model,el,title,lead}){addStyle(el.getRootNode());let card=h("section",{class:"ft","aria-label":title},h("p",{class:"ft-title"},title),h("p",{class:"ft-lead"},lead));return card.addEventListener("keydown",event=>forBrowser(event)||event.stopPropagation()),el.replaceChildren(card),{card,compute:model.compute??kernel(model)}}var SIDE=48;function greyCanvas(grey,side=SIDE){let canvas=h("canvas",{width:side,height:side}),picture=new ImageData(side,side);for(let i=0;i<side*side;i++)picture.data.fill(grey[i],4*i,4*i+3),picture.data[4*i+3]=255;return canvas.getContext("2d").putImageData(picture,0,0),canvas}function paint(canvas,grey,side=SIDE){let context=canvas.getContext("2d");context.imageSmoothingQuality="high",context.drawImage(greyCanvas(grey,side),0,0,canvas.width,canvas.height)}var STAGE=320,PLACES=[["Brows and lids",[1,2,4,5,6,7]],["Nose and mouth",[9,10,12,15,16,17]],["Lips and jaw",[20,23,24,25,26]]],POSE=[["yaw","Turn the head",.6],["pitch","Nod",.4],["roll","Tilt",.5]],raw=array=>new Uint8Array(array.buffer);function render({model,el}){let{card,compute}=frame({model,el,title:"Action-unit face",lead:"Each slider is a muscle action of FACS. The face is drawn from them, and the network says what it sees."}),units=expressions_default.units.map(([unit])=>unit),traits=floats(bytes(model,"traits_of")),people=model.get("people"),each=traits.length/people.length,canvas=h("canvas",{width:STAGE,height:STAGE,role:"img","aria-label":"The drawn face"}),seen=h("canvas",{width:96,height:96,role:"img","aria-label":"The same face in the 48 by 48 pixels that the network sees",style:"width:4rem;border-radius:0.375rem"}),answer=bars("Probability of each expression"),status=h("p",{class:"ft-note",role:"status"}),shown=null,strengths=()=>units.map(unit=>model.get("action_units")[String(unit)]??0);function ask(){let both=Float32Array.from(strengths().flatMap(value=>[value,value])),person2=Math.max(0,people.indexOf(model.get("person"))),scene=Float32Array.from(model.get("plain"));for(let[name]of POSE)scene[model.get("columns").indexOf(name)]=model.get("pose")[name]??0;delete card.dataset.side;let network=model.get("network");compute.ask({kind:"draw",network},[raw(both),raw(traits.slice(person2*each,(person2+1)*each)),raw(scene)],(message,[picture,small])=>{if(network===model.get("network")){if(message.error){answer.clear(),status.textContent=message.error;return}shown={picture,side:message.side,small:small??picture},card.seen=shown.small,card.dataset.side=message.side,answer.show(message.probabilities),draw(),describe()}},!0)}function draw(){shown&&(paint(canvas,shown.picture,shown.side),paint(seen,shown.small))}function describe(){let active=units.filter((unit,i)=>strengths()[i]>0);status.textContent=active.length?`Action units ${active.join(" + ")}.`:"The face at rest.";for(let{button,set}of prototypes){let is=set.length===active.length&&set.every(unit=>active.includes(unit));button.setAttribute("aria-pressed",String(is))}}let sliders=new Map(expressions_default.units.map(([unit,name])=>[unit,slider({label:`${unit} ${name}`,min:0,max:1,step:.01,value:model.get("action_units")[String(unit)]??0,format:value=>fixed(value),input:value=>put(model,{action_units:{...model.get("action_units"),[unit]:value}})})])),act=set=>put(model,{action_units:Object.fromEntries(set.map(unit=>[unit,1]))}),prototypes=Object.entries(expressions_default.prototypes).map(([name,set])=>({set,button:h("button",{type:"button","aria-pressed":"false",click:()=>act(set)},name==="neutral"?"rest":name)})),person=menu({label:"Person",value:String(model.get("person")),options:people.map(k=>[String(k),`no. ${k}`]),input:value=>put(model,{person:Number(value)})}),pose=POSE.map(([name,label,most])=>slider({label,min:-most,max:most,step:.01,value:model.get("pose")[name]??0,format:value=>`${fixed(value*180/Math.PI,0)}°`,input:value=>put(model,{pose:{...model.get("pose"),[name]:value}})})),asked=networks(model),stops=[asked.stop,whenShown(card,draw),bind(model,"action_units",values=>{for(let[unit,control]of sliders)control.show(values[String(unit)]??0);ask()}),bind(model,"person",value=>(person.show(String(value)),ask())),bind(model,"pose",values=>(POSE.forEach(([name],i)=>pose[i].show(values[name]??0)),ask())),bind(model,"network",()=>(answer.clear(),ask())),whenAgain(model,ask)];return card.append(h("div",{class:"ft-main"},h("div",{class:"ft-stack"},h("div",{class:"ft-stage"},canvas),h("div",{class:"ft-row"},seen,h("p",{class:"ft-note",style:"flex:1;min-width:8rem"},"what the network sees: 48 × 48 pixels"))),h("div",{class:"ft-stack"},h("fieldset",{class:"ft-group"},h("legend",{},"Prototypes"),h("div",{class:"ft-row",style:"gap:0.375rem"},...prototypes.map(({button})=>button))),status,h("fieldset",{class:"ft-group"},h("legend",{},"What the network says"),answer.element),person.element,asked.element)),h("div",{style:"display:grid;grid-template-columns:repeat(auto-fit,minmax(12rem,1fr));gap:0.25rem 1.5rem;margin-top:1rem"},...PLACES.map(([place,set])=>h("fieldset",{class:"ft-group"},h("legend",{},place),...set.map(unit=>sliders.get(unit).element))),h("fieldset",{class:"ft-group"},h("legend",{},"Pose"),...pose.map(control=>control.element)))),ask(),()=>{for(let stop of stops)stop();compute.close()}}var action_units_default={render};export{action_units_default as default};
